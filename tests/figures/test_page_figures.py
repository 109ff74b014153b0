"""The figures that are on the page alone: scores on all benchmarks, and loss curves."""

import pytest

from stages.figures import benchmarks, loss, style
from tests.figures.canvas import beyond

ENTRY = {"score": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 1200, "reading": "written"}
DIFFERENCE = {"delta": -0.02, "ci_low": -0.2, "ci_high": 0.16, "p_holm": 1.0}
NONE = dict.fromkeys([*ENTRY, *DIFFERENCE]) | {"n": 6}
ROWS = [
    {"tokens": 0.0, "loss": None, "validation_answer_loss": 3.2},
    {"tokens": 900.0, "loss": 3.1, "validation_answer_loss": None},
    {"tokens": 1800.0, "loss": 2.9, "validation_answer_loss": 2.8},
]


def compared(**other):
    return {"standard": ENTRY, "role": ENTRY, "difference": DIFFERENCE, "chance": 0.25} | other


@pytest.mark.parametrize("models", [["small"], ["small", "another-model"]])
def test_no_label_of_the_results_is_beyond(models):
    found = {"HotpotQA (closed book)": compared(chance=None), "TruthfulQA (MC1)": compared(), "MMLU": compared()}
    with style.styled():
        assert beyond(benchmarks.figure(dict.fromkeys(models, found))) == []


def test_a_score_that_is_lacking_leaves_its_row_empty():
    found = {
        "HumanEval": compared(standard=NONE, role=NONE, difference=NONE, chance=None),
        "GSM8K": compared(role=None),
    }
    with style.styled():
        drawn = benchmarks.figure({"small": found})
    scores, differences = drawn.axes
    assert [text.get_text() for text in scores.get_yticklabels()] == ["HumanEval\nn = 6", "GSM8K\nn = 1,200, written"]
    assert sorted(len(line.get_xdata()) for line in differences.lines if line.get_marker() == "o") == [0, 1]


@pytest.mark.parametrize("curves", [{"standard": ROWS, "role": ROWS}, {"standard (1)": ROWS, "standard (2)": ROWS[:1]}])
def test_no_label_of_the_loss_curves_is_beyond(curves):
    with style.styled():
        assert beyond(loss.figure({"smollm2-135m": curves})) == []


def test_each_arms_training_has_a_panel_of_its_own_and_validation_one_for_all():
    with style.styled():
        drawn = loss.figure({"small": {f"{arm} ({seed})": ROWS for arm in ("standard", "role") for seed in (1, 2)}})
    panels = {axes.get_title(loc="left"): len(axes.lines) for axes in drawn.axes}
    assert panels == {"standard": 2, "role (self-prompt)": 2, "validation, answers": 4}
