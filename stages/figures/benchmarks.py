"""The main results at a glance: both arms on every benchmark, and their difference with its test."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import style

ARMS = ("standard", "role")
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
    drawn = Figure(figsize=(WIDTH, sum(heights) + 0.2), layout="constrained")
    panels = drawn.subplots(len(models), 2, squeeze=False, width_ratios=[3, 2], height_ratios=heights, sharey="row")
    for (model, benchmarks), (scores, differences) in zip(models.items(), panels, strict=True):
        _draw_scores(scores, benchmarks)
        _draw_differences(differences, benchmarks)
        if len(models) > 1:
            scores.set_title(model, loc="left")
    handles, labels = panels[0][0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return drawn


def _draw_scores(axes: Axes, benchmarks: Benchmarks) -> None:
    for place, arm in enumerate(ARMS):
        shift = 0.17 * (2 * place - 1)
        rows = [(row + shift, entry.get(arm)) for row, entry in enumerate(benchmarks.values())]
        _points(axes, rows, "score", style.colour(arm), style.marker(arm), filled=arm == "role", label=style.title(arm))
    guessed = [(row, 100 * entry["chance"]) for row, entry in enumerate(benchmarks.values()) if entry["chance"]]
    axes.plot(
        [chance for _, chance in guessed],
        [row for row, _ in guessed],
        linestyle="none",
        marker="|",
        markersize=12,
        color=style.INK,
        label="guessing",
    )
    axes.set_yticks(range(len(benchmarks)), [_row_label(name, entry) for name, entry in benchmarks.items()])
    axes.set_ylim(len(benchmarks) - 0.5, -0.5)
    axes.set_xlim(-3, 103)  # room for a marker at either end
    axes.set_xlabel("score (%)")
    _rows(axes)


def _draw_differences(axes: Axes, benchmarks: Benchmarks) -> None:
    found = [(float(row), entry.get("difference")) for row, entry in enumerate(benchmarks.values())]
    for significant in (False, True):
        rows = [(row, entry) for row, entry in found if entry and _is_significant(entry) == significant]
        _points(axes, rows, "delta", style.INK, "o", filled=significant)
    axes.axvline(0, color=style.INK, linewidth=0.6, zorder=0)
    axes.set_xlabel("role \u2212 standard (points)")
    axes.tick_params(axis="y", labelleft=False)
    ends = [abs(entry[end] or 0) for _, entry in found if entry for end in ("ci_low", "ci_high")]
    reach = max([*ends, 0.05])
    axes.set_xlim(-105 * reach, 105 * reach)
    _rows(axes)


def _row_label(name: str, entry: dict[str, Any]) -> str:
    n = max((found["n"] for arm in ARMS if (found := entry.get(arm))), default=0)
    return f"{name}\nn = {n:,}"


def _rows(axes: Axes) -> None:
    axes.grid(axis="y", color=style.FAINT, linewidth=0.3)
    axes.tick_params(axis="y", length=0)


def _points(
    axes: Axes, rows: list[tuple[float, Any]], key: str, colour: str, marker: str, *, filled: bool, label: str = ""
) -> None:
    known = [(row, entry) for row, entry in rows if entry and entry[key] is not None]
    centres = [100 * entry[key] for _, entry in known]
    below = [max(100 * (entry[key] - entry["ci_low"]), 0) for _, entry in known]
    above = [max(100 * (entry["ci_high"] - entry[key]), 0) for _, entry in known]
    axes.errorbar(
        centres,
        [row for row, _ in known],
        xerr=[below, above],
        fmt=marker,
        color=colour,
        markerfacecolor=colour if filled else "white",
        markersize=4,
        elinewidth=0.9,
        capsize=2,
        label=label,
    )


def _is_significant(entry: dict[str, Any]) -> bool:
    return entry["p_holm"] is not None and entry["p_holm"] < style.SIGNIFICANT
