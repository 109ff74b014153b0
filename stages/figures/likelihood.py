"""How much likelier reference answers become with a role prompt before them: differences in nats a token."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import style

ROW = 0.24  # inches a comparison
MINUS = "\u2212"

Metrics = dict[str, Any]


def draw(metrics: dict[str, Metrics], stem: Path) -> None:
    """Draw ``metrics/likelihood.json`` into ``stem.png`` and ``stem.svg``, one panel a model."""
    with style.styled():
        style.save(figure(metrics), stem)


def figure(metrics: dict[str, Metrics]) -> Figure:
    """Points with 95% intervals; left of zero the first of a comparison makes the answers likelier."""
    panels = {model: rows(variants) for model, variants in metrics.items()}
    panels = {model: found for model, found in panels.items() if found}
    if not panels:
        drawn = Figure(figsize=(style.COLUMN, 1.0))
        drawn.text(0.5, 0.5, "no reference answers were measured", ha="center", va="center")
        return drawn
    heights = [ROW * len(found) + 0.6 for found in panels.values()]
    drawn = Figure(figsize=(1.35 * style.COLUMN, sum(heights)), layout="constrained")
    grid = drawn.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for (model, found), (axes,) in zip(panels.items(), grid, strict=True):
        _draw(axes, found)
        axes.set_title(model, loc="left")
    return drawn


def rows(variants: Metrics) -> list[tuple[str, str, Metrics]]:
    """Label, variant and entry of each comparison that has an interval: between the arms first."""
    found = [("between", pair, entry) for pair, entry in variants.get("between", {}).items()]
    for variant, entry in variants.items():
        if variant != "between":
            found += [(variant, pair, each) for pair, each in entry["differences"].items()]
    labels = {"between": ""}
    return [
        (f"{labels.get(variant, variant + ': ')}{pair.replace(' - ', f' {MINUS} ')}", variant, entry)
        for variant, pair, entry in found
        if entry.get("ci_low") is not None
    ]


def _draw(axes: Axes, found: list[tuple[str, str, Metrics]]) -> None:
    for row, (_, variant, entry) in enumerate(found):
        colour = style.INK if variant == "between" else style.colour(variant)
        filled = entry["p_holm"] is not None and entry["p_holm"] < style.SIGNIFICANT
        axes.errorbar(
            [entry["delta"]],
            [row],
            xerr=[[entry["delta"] - entry["ci_low"]], [entry["ci_high"] - entry["delta"]]],
            fmt="D" if variant == "between" else style.marker(variant),
            color=colour,
            markerfacecolor=colour if filled else "white",
            markersize=3.6,
            elinewidth=0.9,
            capsize=1.5,
        )
    axes.set_yticks(range(len(found)), [label for label, _, _ in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.axvline(0, color=style.INK, linewidth=0.6, zorder=0)
    axes.set_xlabel("difference (nats a token)\nleft of zero: answers likelier under the first")
    axes.grid(axis="y", color=style.FAINT, linewidth=0.3)
    axes.tick_params(axis="y", length=0)
