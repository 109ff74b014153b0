"""Figure 2, the main results at a glance: both arms on every benchmark, and their difference with its test."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import dots, style

ARMS = dots.ARMS
WIDTH, ROW = 5.0, 0.34  # inches: the page shows it on telephones too

# Name for people → each arm's entry of metrics/benchmarks.json, "difference", and "chance" where one can guess.
Benchmarks = dict[str, dict[str, Any]]


def draw(models: dict[str, Benchmarks], stem: Path) -> None:
    """Draw into ``stem.png`` and ``stem.svg``."""
    with style.styled():
        style.save(figure(models), stem)


def figure(models: dict[str, Benchmarks]) -> Figure:
    """A pair of panels a model; filled differences are significant after Holm's correction."""
    heights = [ROW * len(benchmarks) + 0.7 for benchmarks in models.values()]
    drawn = Figure(figsize=(WIDTH, sum(heights) + 0.4), layout="constrained")
    panels = drawn.subplots(len(models), 2, squeeze=False, width_ratios=[3, 2], height_ratios=heights, sharey="row")
    for (model, benchmarks), (scores, differences) in zip(models.items(), panels, strict=True):
        _draw_scores(scores, benchmarks)
        dots.differences(differences, [entry.get("difference") for entry in benchmarks.values()])
        if len(models) > 1:
            scores.set_title(model, loc="left")
    dots.how_to_read(drawn, models.values())
    handles, labels = panels[0][0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return drawn


def _draw_scores(axes: Axes, benchmarks: Benchmarks) -> None:
    guessed = [(row, 100 * entry["chance"]) for row, entry in enumerate(benchmarks.values()) if entry["chance"]]
    axes.plot(
        [chance for _, chance in guessed],
        [row for row, _ in guessed],
        linestyle="none",
        marker="|",
        markersize=14,
        color=style.INK,
        zorder=0,
        label="guessing",
    )
    dots.scores(axes, list(benchmarks.values()))
    dots.names(axes, benchmarks)
    axes.set_xlim(-3, 103)  # room for a marker at either end
    axes.set_xlabel("score (%)")
