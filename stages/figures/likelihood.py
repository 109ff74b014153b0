"""How much likelier reference answers become with a role prompt before them: differences in nats a token."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stages.figures import dots, style

ROW = 0.26  # inches a comparison
LONGEST = 26  # characters of a label in one line
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
        return style.empty("no reference answers were measured")
    heights = [ROW * len(found) + 0.7 for found in panels.values()]
    drawn = Figure(figsize=(style.COLUMN, sum(heights) + 0.2), layout="constrained")
    grid = drawn.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for (model, found), (axes,) in zip(panels.items(), grid, strict=True):
        _draw(axes, found)
        axes.set_title(model, loc="left")
    drawn.supxlabel(style.HOW_TO_READ, fontsize=6, color=style.INK)
    return drawn


def rows(variants: Metrics) -> list[tuple[str, str, Metrics]]:
    """Label, variant and entry of each comparison that has an interval: first between the arms, then within each."""
    found = [("between", pair, entry) for pair, entry in variants.get("between", {}).items()]
    for variant in sorted(variants.keys() - {"between"}, key=lambda each: (style.place(each), each)):
        differences = variants[variant]["differences"]
        found += [(variant, f"{variant}: {pair}", each) for pair, each in differences.items()]
    return [
        (pair.replace(" - ", f" {MINUS} "), variant, entry)
        for variant, pair, entry in found
        if entry.get("ci_low") is not None
    ]


def _in_lines(label: str) -> str:
    return label if len(label) <= LONGEST else label.replace(f" {MINUS} ", f" {MINUS}\n")


def _draw(axes: Axes, found: list[tuple[str, str, Metrics]]) -> None:
    for row, (_, variant, entry) in enumerate(found):
        of = None if variant == "between" else variant
        dots.draw(axes, [(row, entry)], "delta", of, filled=dots.significant(entry), scale=1)
    axes.set_yticks(range(len(found)), [_in_lines(label) for label, _, _ in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.axvline(0, color=style.INK, linewidth=0.6, zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.set_xlabel("difference (nats a token); below zero:\nanswers are likelier under the first")
    dots.lines(axes)
