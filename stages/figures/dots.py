"""Dots with 95% intervals, for figures of scores and of differences."""

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import style

ARMS = ("standard", "role")
FEW = 30
"""Rows of fewer questions have grey names: their intervals span half of the scale."""

Entry = dict[str, Any]
Rows = Sequence[tuple[float, Entry | None]]


def draw(axes: Axes, rows: Rows, key: str, variant: str | None, *, filled: bool, scale: float = 100) -> None:
    """A dot with its interval for each place and entry; entries without a value leave their place empty.

    Args:
        axes: Where to draw.
        rows: Place and entry of each dot.
        key: What the dot shows, ``score`` or ``delta``.
        variant: Whose colour, marker and name in the legend; None for differences.
        filled: Whether the marker is filled.
        scale: 100 for shares drawn in points, 1 for nats.
    """
    known = [(row, entry) for row, entry in rows if entry and entry[key] is not None]
    colour = style.INK if variant is None else style.colour(variant)
    below = [max(scale * (entry[key] - entry["ci_low"]), 0) for _, entry in known]
    above = [max(scale * (entry["ci_high"] - entry[key]), 0) for _, entry in known]
    axes.errorbar(
        [scale * entry[key] for _, entry in known],
        [row for row, _ in known],
        xerr=[below, above],
        fmt="o" if variant is None else style.marker(variant),
        color=colour,
        markerfacecolor=colour if filled else style.PAPER,
        markersize=3.6,
        markeredgewidth=0.9,
        elinewidth=0.9,
        capsize=1.5,
        capthick=0.9,
        label="" if variant is None else style.title(variant),
    )


def scores(axes: Axes, entries: Sequence[dict[str, Entry]]) -> None:
    """Both arms, one a little above the other."""
    for place, arm in enumerate(ARMS):
        shift = 0.17 * (2 * place - 1)
        draw(axes, [(row + shift, each.get(arm)) for row, each in enumerate(entries)], "score", arm,
             filled=arm == "role")  # fmt: skip


def differences(axes: Axes, found: Sequence[Entry | None]) -> None:
    """Role less standard in points; filled where significant after Holm's correction."""
    rows = [(float(row), entry) for row, entry in enumerate(found) if entry]
    for tested in (False, True):
        draw(axes, [(row, entry) for row, entry in rows if significant(entry) == tested], "delta", None, filled=tested)
    axes.axvline(0, color=style.INK, linewidth=0.6, zorder=0)
    axes.set_xlabel("role \u2212 standard\n(points)")
    axes.tick_params(axis="y", labelleft=False)
    reach = max([0.05, *(abs(entry[end] or 0) for _, entry in rows for end in ("ci_low", "ci_high"))])
    axes.set_xlim(-105 * reach, 105 * reach)
    lines(axes)


def significant(entry: Entry) -> bool:
    return entry["p_holm"] is not None and entry["p_holm"] < style.SIGNIFICANT


def names(axes: Axes, entries: dict[str, dict[str, Entry]]) -> None:
    """Name each row, with its number of questions below, and its reading if the entries have one."""
    axes.set_yticks(range(len(entries)), [_name(name, arms) for name, arms in entries.items()])
    for label, arms in zip(axes.get_yticklabels(), entries.values(), strict=True):
        label.set_color(style.INK if _size(arms) >= FEW else style.GREY)
    axes.set_ylim(len(entries) - 0.5, -0.5)
    lines(axes)


def how_to_read(drawn: Figure, models: Iterable[dict[str, dict[str, Entry]]]) -> None:
    """The line below the panels; it explains grey names only where there are some."""
    few = any(_size(arms) < FEW for rows in models for arms in rows.values())
    grey = f"\nGrey names: fewer than {FEW} questions." if few else ""
    on_the_right = style.HOW_TO_READ.replace("Filled:", "Right, filled:")  # on the left role's marker is always filled
    drawn.supxlabel(f"{on_the_right}{grey}", fontsize=6, color=style.INK)


def _name(name: str, arms: dict[str, Entry]) -> str:
    reading = next((arms[arm]["reading"] for arm in ARMS if arms.get(arm) and arms[arm].get("reading")), "")
    return f"{name}\nn = {_size(arms):,}{', ' if reading else ''}{reading.replace('_', ' ')}"


def _size(arms: dict[str, Entry]) -> int:
    return max((arms[arm]["n"] for arm in ARMS if arms.get(arm)), default=0)


def lines(axes: Axes) -> None:
    axes.grid(axis="y", color=style.FAINT, linewidth=0.3)
    axes.tick_params(axis="y", length=0)
