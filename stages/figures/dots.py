"""Dots with 95% intervals: Figure 2 (all benchmarks), Figure 3 (MMLU by domain), likelihoods of reference answers."""

from collections.abc import Callable, Iterable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stages.figures import style

ARMS = ("standard", "role")
PAIR = "role - standard"
FEW = 30
"""Rows of fewer questions have grey names: their intervals span half of the scale."""
LONGEST = 26  # characters of a label in one line
MINUS = "\u2212"
SIZES: dict[str, Any] = {"markersize": 3.6, "markeredgewidth": 0.9, "elinewidth": 0.9, "capsize": 1.5, "capthick": 0.9}

Entry = dict[str, Any]
Rows = dict[str, dict[str, Any]]
"""Name of a row → the entry of each of ``ARMS`` and of ``PAIR``; ``chance`` where a benchmark's can be guessed."""


@style.styled()
def benchmarks(models: dict[str, Rows]) -> Figure:
    """Figure 2: both arms on every benchmark, and their difference with its test; a pair of panels a model."""

    def draw_scores(axes: Axes, rows: Rows, model: str) -> None:
        guessed = {row: 100 * entry["chance"] for row, entry in enumerate(rows.values()) if entry["chance"]}
        axes.plot(list(guessed.values()), list(guessed), linestyle="none", marker="|", markersize=14, color=style.INK,
                  zorder=0, label="guessing")  # fmt: skip
        _scores(axes, rows)
        axes.set(xlim=(-3, 103), xlabel="score (%)")  # room for a marker at either end
        if len(models) > 1:
            axes.set_title(model, loc="left")

    # Wider than a column: only the page shows it, also on telephones.
    return _two_panels(models, draw_scores, width=5.0, row=0.34, around=(0.7, 0.4))


@style.styled()
def domains(metrics: dict[str, Rows]) -> Figure:
    """Figure 3 from ``metrics/mmlu_domains.json``: as Figure 2, by the difference, the largest first."""
    if not metrics:
        return style.empty("MMLU was not run")

    def draw_scores(axes: Axes, rows: Rows, model: str) -> None:
        _scores(axes, rows)
        axes.axvline(25, color=style.FAINT, linewidth=0.8, linestyle=":", zorder=0)  # one of four choices
        axes.set(xlim=(-5, 105), xticks=range(0, 101, 25), xlabel="accuracy (%)\ndotted: guessing")
        axes.set_title(model, loc="left")

    def delta(row: tuple[str, dict[str, Entry]]) -> float:
        found = row[1].get(PAIR, {}).get("delta")
        return float("-inf") if found is None else found

    ranked = {
        model: {name.replace("_", " "): row for name, row in sorted(found.items(), key=delta, reverse=True)}
        for model, found in metrics.items()
    }
    return _two_panels(ranked, draw_scores, width=style.COLUMN, row=0.33, around=(0.75, 0.5), handletextpad=0.3)


@style.styled()
def likelihood(metrics: dict[str, Any]) -> Figure:
    """``metrics/likelihood.json``, in nats a token; left of zero the first of a pair makes the answers likelier."""
    panels = {model: found for model, variants in metrics.items() if (found := _comparisons(variants))}
    if not panels:
        return style.empty("no reference answers were measured")
    heights = [0.26 * len(found) + 0.7 for found in panels.values()]
    drawn = Figure(figsize=(style.COLUMN, sum(heights) + 0.2), layout="constrained")
    grid = drawn.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for (model, found), (axes,) in zip(panels.items(), grid, strict=True):
        for row, (_, variant, entry) in enumerate(found):
            _dots(axes, [(row, entry)], "delta", variant, filled=style.significant(entry), scale=1)
        _name_rows(axes, [label for label, _, _ in found])
        axes.axvline(0, color=style.INK, linewidth=0.6, zorder=0)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.set_xlabel("difference (nats a token); below zero:\nanswers are likelier under the first")
        axes.set_title(model, loc="left")
    drawn.supxlabel(style.HOW_TO_READ, fontsize=6, color=style.INK)
    return drawn


def _comparisons(variants: dict[str, Any]) -> list[tuple[str, str | None, Entry]]:
    """Label, variant and entry of each comparison that has an interval: first between the arms, then within each."""
    found: list[tuple[str, str | None, Entry]] = [
        (pair, None, each) for pair, each in variants.get("between", {}).items()
    ]
    for variant in sorted(variants.keys() - {"between"}, key=lambda each: (style.place(each), each)):
        differences = variants[variant]["differences"]
        found += [(f"{variant}: {pair}", variant, each) for pair, each in differences.items()]
    shown = [each for each in found if each[2].get("ci_low") is not None]
    return [
        (label.replace(" - ", f" {MINUS} " if len(label) <= LONGEST else f" {MINUS}\n"), variant, entry)
        for label, variant, entry in shown
    ]


def _two_panels(
    models: dict[str, Rows],
    draw_scores: Callable[[Axes, Rows, str], None],
    *,
    width: float,
    row: float,
    around: tuple[float, float],
    **legend: Any,
) -> Figure:
    """Scores on the left, differences on the right; sizes in inches, ``around`` each model's rows and around all."""
    heights = [row * len(rows) + around[0] for rows in models.values()]
    drawn = Figure(figsize=(width, sum(heights) + around[1]), layout="constrained")
    panels = drawn.subplots(len(models), 2, squeeze=False, width_ratios=[3, 2], height_ratios=heights, sharey="row")
    for (model, rows), (scores, differences) in zip(models.items(), panels, strict=True):
        draw_scores(scores, rows, model)
        _differences(differences, [found.get(PAIR) for found in rows.values()])
    few = any(_size(arms) < FEW for rows in models.values() for arms in rows.values())
    grey = f"\nGrey names: fewer than {FEW} questions." if few else ""
    on_the_right = style.HOW_TO_READ.replace("Filled:", "Right, filled:")  # on the left role's marker is always filled
    drawn.supxlabel(f"{on_the_right}{grey}", fontsize=6, color=style.INK)
    handles, labels = panels[0][0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper center", ncols=len(labels), **legend)
    return drawn


def _scores(axes: Axes, rows: Rows) -> None:
    """Both arms, one a little above the other; each row's name, number of questions, and reading if it has one."""
    for arm, shift in zip(ARMS, (-0.17, 0.17), strict=True):
        found = [(row + shift, arms.get(arm)) for row, arms in enumerate(rows.values())]
        _dots(axes, found, "score", arm, filled=arm == "role")
    labels = []
    for name, arms in rows.items():
        reading = next((arms[arm]["reading"] for arm in ARMS if arms.get(arm) and arms[arm].get("reading")), "")
        labels.append(f"{name}\nn = {_size(arms):,}{', ' if reading else ''}{reading.replace('_', ' ')}")
    _name_rows(axes, labels)
    for label, arms in zip(axes.get_yticklabels(), rows.values(), strict=True):
        label.set_color(style.INK if _size(arms) >= FEW else style.GREY)


def _differences(axes: Axes, found: list[Entry | None]) -> None:
    """Role less standard in points; filled where significant after Holm's correction."""
    rows = [(row, entry) for row, entry in enumerate(found) if entry]
    for tested in (False, True):
        _dots(axes, [each for each in rows if style.significant(each[1]) == tested], "delta", None, filled=tested)
    axes.axvline(0, color=style.INK, linewidth=0.6, zorder=0)
    axes.set_xlabel(f"role {MINUS} standard\n(points)")
    axes.tick_params(axis="y", labelleft=False)
    reach = max([0.05, *(abs(entry[end] or 0) for _, entry in rows for end in ("ci_low", "ci_high"))])
    axes.set_xlim(-105 * reach, 105 * reach)
    _lines(axes)


def _dots(
    axes: Axes,
    rows: Iterable[tuple[float, Entry | None]],
    key: str,
    variant: str | None,
    *,
    filled: bool,
    scale: float = 100,
) -> None:
    """A dot with its interval for each place and entry that has a value; without a variant in ink, and unnamed."""
    known = [(row, entry) for row, entry in rows if entry and entry[key] is not None]
    look = style.Look(style.INK) if variant is None else style.look(variant)
    below = [max(scale * (entry[key] - entry["ci_low"]), 0) for _, entry in known]
    above = [max(scale * (entry["ci_high"] - entry[key]), 0) for _, entry in known]
    axes.errorbar(
        [scale * entry[key] for _, entry in known],
        [row for row, _ in known],
        xerr=[below, above],
        fmt=look.marker,
        color=look.colour,
        markerfacecolor=look.colour if filled else style.PAPER,
        label="" if variant is None else style.title(variant),
        **SIZES,
    )


def _name_rows(axes: Axes, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    _lines(axes)


def _lines(axes: Axes) -> None:
    axes.grid(axis="y", color=style.FAINT, linewidth=0.3)
    axes.tick_params(axis="y", length=0)


def _size(arms: dict[str, Any]) -> int:
    return max((arms[arm]["n"] for arm in ARMS if arms.get(arm)), default=0)
