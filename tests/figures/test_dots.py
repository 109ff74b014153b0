import pytest

from stages.figures import dots, style
from tests.figures.canvas import beyond


def score(value: float, n: int = 40) -> dict:
    return {"score": value, "ci_low": value - 0.1, "ci_high": value + 0.1, "n": n, "seeds": 1, "seed_sd": None}


def difference(delta: float, p_holm: float | None) -> dict:
    return {"delta": delta, "ci_low": delta - 0.05, "ci_high": delta + 0.05, "p_holm": p_holm, "n": 40}


NAMES = ["mathematics", "physics", "chemistry", "biology", "medicine", "computing", "business", "law", "humanities"]
MODEL = {
    name: {"standard": score(0.4), "role": score(0.5), "role - standard": difference(0.1, 0.01 if row else 0.5)}
    for row, name in enumerate([*NAMES, "society"])
}
NOTHING = {"delta": None, "ci_low": None, "ci_high": None, "p_holm": None, "n": 0}


@pytest.mark.parametrize("models", [["smollm2-135m"], ["mistral-7b", "llama-2-7b"]])
def test_no_label_is_clipped(models):
    with style.styled():
        assert beyond(dots.domains(dict.fromkeys(models, MODEL))) == []


def test_n_stands_below_each_domain():
    with style.styled():
        figure = dots.domains({"m": MODEL})
    assert figure.axes[0].get_yticklabels()[0].get_text() == "mathematics\nn = 40"


def test_only_differences_that_the_test_bears_out_are_filled():
    with style.styled():
        figure = dots.domains({"m": MODEL})
    open_points, filled = [line for line in figure.axes[1].lines if line.get_marker() == "o"]
    assert len(open_points.get_ydata()) == 1
    assert open_points.get_markerfacecolor() == style.PAPER
    assert len(filled.get_ydata()) == 9


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"m": {"law": {"standard": score(0.5)}}},
        {"m": {"law": {"base": score(0.5), "role": score(0.5)}}},
        {"m": {"law": {"standard": score(0.5), "role": score(0.5), "role - standard": NOTHING}}},
    ],
)
def test_what_was_not_run_is_left_out(metrics, tmp_path):
    style.save(dots.domains(metrics), tmp_path / "figure")
    assert (tmp_path / "figure.png").stat().st_size > 0
    assert (tmp_path / "figure.svg").stat().st_size > 0
