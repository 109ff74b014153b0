"""The figures that are on the page alone: scores on all benchmarks, and loss curves."""

import pytest
from matplotlib.text import Text

from stages.figures import benchmarks, loss, style

ENTRY = {"score": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 1200}
DIFFERENCE = {"delta": -0.02, "ci_low": -0.2, "ci_high": 0.16, "p_holm": 1.0}
NONE = dict.fromkeys([*ENTRY, *DIFFERENCE]) | {"n": 6}
ROWS = [
    {"tokens": 0.0, "loss": None, "validation_answer_loss": 3.2},
    {"tokens": 900.0, "loss": 3.1, "validation_answer_loss": None},
    {"tokens": 1800.0, "loss": 2.9, "validation_answer_loss": 2.8},
]


def compared(**other):
    return {"standard": ENTRY, "role": ENTRY, "difference": DIFFERENCE, "chance": 0.25} | other


def clipped(figure) -> list[str]:
    """Texts that stand beyond the canvas; tick labels beyond an axis' limits are never drawn."""
    figure.draw_without_rendering()
    beyond = {
        tick.label1
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, sorted(axes.get_ylim())))
        for tick in axis.get_major_ticks()
        if not low <= tick.get_loc() <= high
    }
    found = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible() and text not in beyond]
    boxes = [(text.get_text(), text.get_window_extent()) for text in found]
    right, top = figure.bbox.x1 + 1, figure.bbox.y1 + 1
    return [text for text, box in boxes if box.x0 < -1 or box.x1 > right or box.y0 < -1 or box.y1 > top]


@pytest.mark.parametrize("models", [["small"], ["small", "another-model"]])
def test_no_label_of_the_results_is_clipped(models):
    found = {"HotpotQA (closed book)": compared(chance=None), "TruthfulQA (MC1)": compared(), "MMLU": compared()}
    with style.styled():
        assert clipped(benchmarks.figure(dict.fromkeys(models, found))) == []


def test_a_score_that_is_lacking_leaves_its_row_empty():
    found = {
        "HumanEval": compared(standard=NONE, role=NONE, difference=NONE, chance=None),
        "GSM8K": compared(role=None),
    }
    with style.styled():
        drawn = benchmarks.figure({"small": found})
    scores, differences = drawn.axes
    assert [text.get_text() for text in scores.get_yticklabels()] == ["HumanEval\nn = 6", "GSM8K\nn = 1,200"]
    assert sorted(len(line.get_xdata()) for line in differences.lines if line.get_marker() == "o") == [0, 1]


@pytest.mark.parametrize("curves", [{"standard": ROWS, "role": ROWS}, {"standard (1)": ROWS, "standard (2)": ROWS[:1]}])
def test_no_label_of_the_loss_curves_is_clipped(curves):
    with style.styled():
        assert clipped(loss.figure({"smollm2-135m": curves})) == []
