"""The figures that are on the page alone: scores on all benchmarks, and loss curves."""

from itertools import pairwise

import pytest

from stages.figures import dots, loss, style
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
    return {"standard": ENTRY, "role": ENTRY, "role - standard": DIFFERENCE, "chance": 0.25} | other


@pytest.mark.parametrize("models", [["small"], ["small", "another-model"]])
def test_no_label_of_the_results_is_beyond(models):
    found = {"HotpotQA (closed book)": compared(chance=None), "TruthfulQA (MC1)": compared(), "MMLU": compared()}
    with style.styled():
        assert beyond(dots.benchmarks(dict.fromkeys(models, found))) == []


def test_a_score_that_is_lacking_leaves_its_row_empty():
    found = {
        "HumanEval": compared(standard=NONE, role=NONE, chance=None) | {"role - standard": NONE},
        "GSM8K": compared(role=None),
    }
    with style.styled():
        drawn = dots.benchmarks({"small": found})
    scores, differences = drawn.axes
    assert [text.get_text() for text in scores.get_yticklabels()] == ["HumanEval\nn = 6", "GSM8K\nn = 1,200, written"]
    assert sorted(len(line.get_xdata()) for line in differences.lines if line.get_marker() == "o") == [0, 1]


@pytest.mark.parametrize("curves", [{"standard": ROWS, "role": ROWS}, {"standard (1)": ROWS, "standard (2)": ROWS[:1]}])
def test_no_label_of_the_loss_curves_is_beyond(curves):
    with style.styled():
        assert beyond(loss.figure({"smollm2-135m": curves})) == []


def test_the_legend_names_each_arm_once_however_many_seeds_and_in_the_order_of_the_panels():
    curves = {f"{arm} ({seed})": ROWS for arm in ("role", "shuffled", "standard") for seed in (1, 2, 3)}
    with style.styled():
        drawn = loss.figure({"small": curves})
    (legend,) = drawn.subfigs[0].legends
    arms = ["standard", "role (self-prompt)", "shuffled"]
    assert [text.get_text() for text in legend.get_texts()] == arms
    assert [axes.get_title(loc="left") for axes in drawn.axes] == [*arms, "validation, answers"]


def test_tick_labels_of_many_tokens_do_not_run_into_one_another():
    """36,000 tokens had ticks at each 10,000, whose labels touched."""
    rows = [{"tokens": 36_000.0 * step / 9, "loss": 3.0, "validation_answer_loss": 3.0} for step in range(10)]
    with style.styled():
        drawn = loss.figure({"small": {"standard": rows, "role": rows}})
        drawn.draw_without_rendering()
        for axes in drawn.axes:
            low, high = axes.get_xlim()
            boxes = [tick.label1.get_window_extent() for tick in axes.xaxis.get_major_ticks()
                     if low <= tick.get_loc() <= high]  # fmt: skip
            assert all(one.x1 + 2 < other.x0 for one, other in pairwise(boxes))


@pytest.mark.parametrize(("n", "told"), [(29, True), (30, False)])
def test_grey_names_are_explained_only_where_there_are_some(n, told):
    with style.styled():
        drawn = dots.benchmarks(
            {"small": {"MMLU": compared(), "GSM8K": compared(standard=ENTRY | {"n": n}, role=None)}}
        )
    assert ("Grey names" in drawn.get_supxlabel()) == told


def compared_likelihoods(*conditions):
    return {"differences": {pair: DIFFERENCE | {"n": 40, "p": 0.5} for pair in conditions}}


def test_no_label_of_the_likelihoods_is_beyond_and_arms_stand_in_the_order_of_all_figures():
    between = {
        f"role {one} - standard {other}": DIFFERENCE for one, other in (("own", "none"), ("recorded", "recorded"))
    }
    variants = {
        arm: compared_likelihoods("recorded - none", "recorded - other") for arm in ("role", "standard", "shuffled")
    }
    with style.styled():
        drawn = dots.likelihood({"smollm2-135m": {**variants, "between": between}})
        assert beyond(drawn) == []
    labels = [text.get_text().partition(":")[0] for text in drawn.axes[0].get_yticklabels()]
    assert labels[:2] == ["role own \u2212 standard none", "role recorded \u2212\nstandard recorded"]
    assert labels[2::2] == ["standard", "role", "shuffled"]


def test_each_arms_training_has_a_panel_of_its_own_and_validation_one_for_all():
    with style.styled():
        drawn = loss.figure({"small": {f"{arm} ({seed})": ROWS for arm in ("standard", "role") for seed in (1, 2)}})
    panels = {axes.get_title(loc="left"): len(axes.lines) for axes in drawn.axes}
    assert panels == {"standard": 2, "role (self-prompt)": 2, "validation, answers": 4}
