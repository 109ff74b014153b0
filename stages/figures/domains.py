"""Figure 3: both arms' scores on MMLU by domain, and their difference."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import style

ARMS = ("standard", "role")
PAIR = "role - standard"
CHANCE = 25  # per cent, of four choices
ROW = 0.33  # inches a domain
FEW, FEW_COLOUR = 30, "#767676"
"""Domains of fewer questions are drawn grey: their intervals span half the scale."""
CAPTION = "Bars: 95% intervals. Filled: p < 0.05 after Holm.\nGrey names: fewer than 30 questions."

Domains = dict[str, dict[str, Any]]


def draw(metrics: dict[str, Domains], stem: Path) -> None:
    """Draw ``metrics/mmlu_domains.json`` into ``stem.png`` and ``stem.svg``, one pair of panels a model."""
    with style.styled():
        style.save(figure(metrics), stem)


def figure(metrics: dict[str, Domains]) -> Figure:
    if not metrics:
        return _empty()
    metrics = {model: ranked(domains) for model, domains in metrics.items()}
    heights = [ROW * len(domains) + 0.75 for domains in metrics.values()]
    drawn = Figure(figsize=(style.COLUMN, sum(heights) + 0.5), layout="constrained")
    panels = drawn.subplots(len(metrics), 2, squeeze=False, width_ratios=[3, 2], height_ratios=heights, sharey="row")
    for (model, domains), (scores, differences) in zip(metrics.items(), panels, strict=True):
        _draw_scores(scores, domains, model)
        _draw_differences(differences, domains)
    drawn.supxlabel(CAPTION, fontsize=6, color=style.INK)
    handles, labels = panels[0][0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper center", ncols=len(labels), handletextpad=0.3)
    return drawn


def ranked(domains: Domains) -> Domains:
    """Domains by their difference, the largest first; those without one last."""

    def place(name: str) -> float:
        delta = domains[name].get(PAIR, {}).get("delta")
        return float("inf") if delta is None else -delta

    return {name: domains[name] for name in sorted(domains, key=place)}


def _size(variants: dict[str, Any]) -> int:
    return max((entry["n"] for variant, entry in variants.items() if variant != PAIR), default=0)


def _draw_scores(axes: Axes, domains: Domains, model: str) -> None:
    arms = [arm for arm in ARMS if any(arm in variants for variants in domains.values())]
    for position, arm in enumerate(arms):
        shift = 0.17 * (2 * position - len(arms) + 1)
        rows = [(row + shift, variants[arm]) for row, variants in enumerate(domains.values()) if arm in variants]
        _points(axes, rows, "score", style.colour(arm), style.marker(arm), filled=arm == "role", label=style.title(arm))
    axes.set_yticks(range(len(domains)), [_row_label(name, variants) for name, variants in domains.items()])
    for label, variants in zip(axes.get_yticklabels(), domains.values(), strict=True):
        label.set_color(style.INK if _size(variants) >= FEW else FEW_COLOUR)
    axes.set_ylim(len(domains) - 0.5, -0.5)
    axes.axvline(CHANCE, color=style.FAINT, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_xlim(-5, 105)  # room for a marker at either end
    axes.set_xticks(range(0, 101, 25))
    axes.set_xlabel("accuracy (%), chance dotted")
    axes.set_title(model, loc="left")
    axes.grid(axis="y", color=style.FAINT, linewidth=0.3)
    axes.tick_params(axis="y", length=0)


def _draw_differences(axes: Axes, domains: Domains) -> None:
    """Filled where the test, after Holm over the domains, says that there is a difference."""
    found = [(row, variants[PAIR]) for row, variants in enumerate(domains.values()) if PAIR in variants]
    for significant in (False, True):
        rows = [(float(row), entry) for row, entry in found if _is_significant(entry) == significant]
        _points(axes, rows, "delta", style.INK, "o", filled=significant)
    axes.axvline(0, color=style.INK, linewidth=0.6, zorder=0)
    axes.set_xlabel("role \u2212 standard\n(points)")
    axes.grid(axis="y", color=style.FAINT, linewidth=0.3)
    axes.tick_params(axis="y", length=0, labelleft=False)
    reach = max((abs(entry[end] or 0) for _, entry in found for end in ("ci_low", "ci_high")), default=0) or 0.05
    axes.set_xlim(-105 * reach, 105 * reach)


def _points(
    axes: Axes,
    rows: list[tuple[float, dict[str, Any]]],
    key: str,
    colour: str,
    marker: str,
    *,
    filled: bool,
    label: str = "",
) -> None:
    rows = [(row, entry) for row, entry in rows if entry[key] is not None]
    centres = [100 * entry[key] for _, entry in rows]
    below = [max(100 * (entry[key] - entry["ci_low"]), 0) for _, entry in rows]
    above = [max(100 * (entry["ci_high"] - entry[key]), 0) for _, entry in rows]
    axes.errorbar(
        centres,
        [row for row, _ in rows],
        xerr=[below, above],
        fmt=marker,
        color=colour,
        markerfacecolor=colour if filled else "white",
        markersize=3.6,
        markeredgewidth=0.9,
        elinewidth=0.9,
        capsize=1.5,
        capthick=0.9,
        label=label,
    )


def _is_significant(entry: dict[str, Any]) -> bool:
    return entry["p_holm"] is not None and entry["p_holm"] < style.SIGNIFICANT


def _row_label(name: str, variants: dict[str, Any]) -> str:
    return f"{name}\nn = {_size(variants):,}"


def _empty() -> Figure:
    drawn = Figure(figsize=(style.COLUMN, 1.0))
    drawn.text(0.5, 0.5, "MMLU was not run", ha="center", va="center")
    return drawn
