"""Figure 3: both arms' scores on MMLU by domain, and their difference."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import dots, style

PAIR = "role - standard"
CHANCE = 25  # per cent, of four choices
ROW = 0.33  # inches a domain

Domains = dict[str, dict[str, Any]]


def draw(metrics: dict[str, Domains], stem: Path) -> None:
    """Draw ``metrics/mmlu_domains.json`` into ``stem.png`` and ``stem.svg``, one pair of panels a model."""
    with style.styled():
        style.save(figure(metrics), stem)


def figure(metrics: dict[str, Domains]) -> Figure:
    if not metrics:
        return style.empty("MMLU was not run")
    metrics = {model: ranked(domains) for model, domains in metrics.items()}
    heights = [ROW * len(domains) + 0.75 for domains in metrics.values()]
    drawn = Figure(figsize=(style.COLUMN, sum(heights) + 0.5), layout="constrained")
    panels = drawn.subplots(len(metrics), 2, squeeze=False, width_ratios=[3, 2], height_ratios=heights, sharey="row")
    for (model, domains), (scores, differences) in zip(metrics.items(), panels, strict=True):
        _draw_scores(scores, domains, model)
        dots.differences(differences, [variants.get(PAIR) for variants in domains.values()])
    dots.how_to_read(drawn, metrics.values())
    handles, labels = panels[0][0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper center", ncols=len(labels), handletextpad=0.3)
    return drawn


def ranked(domains: Domains) -> Domains:
    """Domains by their difference, the largest first; those without one last."""

    def place(name: str) -> float:
        delta = domains[name].get(PAIR, {}).get("delta")
        return float("inf") if delta is None else -delta

    return {name: domains[name] for name in sorted(domains, key=place)}


def _draw_scores(axes: Axes, domains: Domains, model: str) -> None:
    dots.scores(axes, list(domains.values()))
    dots.names(axes, {name.replace("_", " "): variants for name, variants in domains.items()})
    axes.axvline(CHANCE, color=style.FAINT, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_xlim(-5, 105)  # room for a marker at either end
    axes.set_xticks(range(0, 101, 25))
    axes.set_xlabel("accuracy (%)\ndotted: guessing")
    axes.set_title(model, loc="left")
