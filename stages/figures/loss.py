"""Loss curves: each arm's training in a panel of its own, since arms learn different tokens; validation in one."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from stages.figures import style

Rows = Sequence[Mapping[str, Any]]
WIDTH, HEIGHT, COLUMNS = 5.0, 1.7, 3  # inches, and panels side by side


@style.styled()
def figure(losses: Mapping[str, Mapping[str, Rows]]) -> Figure:
    """``losses`` are model → arm and seed → the rows of its loss file."""
    arms = {model: sorted({_arm(name) for name in curves}, key=style.place) for model, curves in losses.items()}
    lines = {model: -(-(len(found) + 1) // COLUMNS) for model, found in arms.items()}
    drawn = Figure(figsize=(WIDTH, HEIGHT * sum(lines.values()) + 0.5 * len(losses)), layout="constrained")
    parts = drawn.subfigures(len(losses), 1, squeeze=False, height_ratios=list(lines.values()))
    for (model, curves), (part,) in zip(losses.items(), parts, strict=True):
        part.suptitle(model, x=0.01, ha="left", fontsize=8)
        panels = part.subplots(lines[model], COLUMNS, squeeze=False).ravel()
        for arm, axes in zip(arms[model], panels, strict=False):
            _panel(axes, {name: rows for name, rows in curves.items() if _arm(name) == arm}, "loss", style.title(arm))
        validation = panels[len(arms[model])]
        ordered = {name: curves[name] for name in sorted(curves, key=lambda name: style.place(_arm(name)))}
        _panel(validation, ordered, "validation_answer_loss", "validation, answers")
        by_arm = dict(zip(*reversed(validation.get_legend_handles_labels()), strict=True))  # one entry for all seeds
        part.legend(by_arm.values(), by_arm.keys(), loc="outside lower center", ncols=4, handlelength=2.4)
        for axes in panels[len(arms[model]) + 1 :]:
            axes.remove()
    return drawn


def _arm(name: str) -> str:
    return name.partition(" ")[0]


def _panel(axes: Axes, curves: Mapping[str, Rows], key: str, title: str) -> None:
    for name, rows in curves.items():
        look = style.look(_arm(name))
        found = [row for row in rows if row.get(key) is not None]
        axes.plot(
            [row["tokens"] for row in found],
            [row[key] for row in found],
            color=look.colour,
            linewidth=1.1 if len(curves) < 3 else 0.7,
            linestyle=look.line,
            marker=look.marker if key != "loss" or len(found) < 2 else None,
            markersize=3.5,
            label=style.title(_arm(name)),
        )
    axes.set_title(title, loc="left", fontsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set(xlabel="completion tokens seen", ylabel="loss (nats a token)")
    axes.margins(y=0.12)
