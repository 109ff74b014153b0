"""Figure 5: whose answers the judge preferred."""

import csv
import io
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from stages.figures import style
from stages.records.files import write_text

Summary = Mapping[str, Any]
Summaries = Mapping[str, Mapping[str, Summary]]
Row = tuple[str, str, Summary]
Fill = dict[str, Any]

OUTCOMES = ("win", "tie", "loss")
LEFT = "role"
TIE: Fill = {"facecolor": "#E4E4E4", "hatch": ""}
FLIP: Fill = {"facecolor": "white", "hatch": "......"}
# In inches: a line of a heading and of a caption, the bar, the win rate with the space around it, and the rest.
HEADING, LINE, BAR, RATE, REST = 0.14, 0.11, 0.2, 0.22, 0.4
NARROW = 0.08
"""Parts of the bar below this share have no room for their number."""
CHARACTERS, BOLD = 58, 46
"""As many make a line as long as the bar, in a caption and in a heading."""
WIDE = 29
"""Characters of a legend's entry of which two stand side by side."""


def write_csv(summaries: Summaries, path: Path) -> None:
    """A line for each outcome of each pair, for ``dvc plots``."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["comparison", "model", "pair", "outcome", "share", "ci_low", "ci_high", "n"])
    for model, pairs in summaries.items():
        for pair, summary in pairs.items():
            for outcome in OUTCOMES:
                shares = summary[outcome]
                values = [shares["share"], shares["ci_low"], shares["ci_high"]]
                writer.writerow([f"{model}: {pair}: {outcome}", model, pair, outcome, *values, summary["n"]])
    write_text(path, lines.getvalue())


def draw(summaries: Summaries, stem: Path) -> None:
    """Draw ``metrics/preference.json`` into ``stem.png`` and ``stem.svg``."""
    with style.styled():
        style.save(figure(summaries), stem)


def figure(summaries: Summaries) -> Figure:
    """A bar for each pair; a pair without verdicts says why it has none."""
    rows = [(model, pair, summary) for model, pairs in summaries.items() for pair, summary in pairs.items()]
    if not rows:
        return _empty()
    judged = [rival(pair) for _, pair, summary in rows if summary["n"]]
    headings = max(len(heading(row)) for row in rows)
    height = HEADING * headings + BAR + RATE + LINE * max(len(caption(summary)) for _, _, summary in rows)
    entries = _legend(judged) if judged else []
    columns = 2 if all(len(str(entry.get_label())) <= WIDE for entry in entries) else 1
    legend = 0.14 * -(-len(entries) // columns)
    drawn = Figure(figsize=(style.COLUMN, height * len(rows) + legend + REST), layout="constrained")
    axes = drawn.subplots()
    for place, row in enumerate(rows):
        _draw_row(axes, place * height + HEADING * headings, row)
    _frame(axes, height * len(rows), scale=bool(judged))
    drawn.legend(handles=entries, loc="outside upper left", ncols=columns, columnspacing=1.2)
    return drawn


def rival(pair: str) -> str:
    return pair.removeprefix(f"{LEFT} - ")


def heading(row: Row) -> list[str]:
    return textwrap.wrap(f"{row[0]}, against {style.title(rival(row[1]))}", BOLD, break_on_hyphens=False)


def _draw_row(axes: Axes, top: float, row: Row) -> None:
    """Heading above ``top``; bar, win rate and caption below. Heights are in inches."""
    _, pair, summary = row
    bar = top + 0.02 + BAR / 2
    _write(axes, top, "\n".join(heading(row)), va="bottom", weight="bold")
    if summary["n"]:
        _draw_bar(axes, bar, parts(summary, rival(pair)))
        _draw_win_rate(axes, bar + BAR / 2 + 0.08, summary)
    else:
        _write(axes, bar, f"no result: {summary['reason']}", va="center")
    _write(axes, top + BAR + 0.18, "\n".join(caption(summary)), va="top", size=6)


def _write(axes: Axes, height: float, text: str, **look: Any) -> None:
    # Outside the layout: a long line would make the bars narrower.
    axes.text(0, height, text, **look).set_in_layout(False)


def parts(summary: Summary, right: str) -> list[tuple[float, Fill]]:
    """The bar from left to right: won, tied in both orders, changed with the order, lost."""
    flips = summary["flips"]["rate"]
    tied = max(summary["tie"]["share"] - flips, 0.0)
    return [(summary["win"]["share"], fill(LEFT)), (tied, TIE), (flips, FLIP), (summary["loss"]["share"], fill(right))]


def fill(variant: str) -> Fill:
    """The arm's colour and hatch; paler for a condition, which may stand beside its own arm."""
    red, green, blue = to_rgb(style.colour(variant))
    paler = 0.0 if variant == style.arm(variant) else 0.6
    shade = tuple(part + (1 - part) * paler for part in (red, green, blue))
    return {"facecolor": shade, "hatch": style.HATCHES.get(style.arm(variant), "")}


def _draw_bar(axes: Axes, height: float, segments: list[tuple[float, Fill]]) -> None:
    start = 0.0
    for share, look in segments:
        axes.barh(height, share, left=start, height=BAR, edgecolor=hatch_colour(look), linewidth=0, **look)
        if share >= NARROW:
            plate = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.2"}
            axes.text(start + share / 2, height, f"{share:.0%}", ha="center", va="center", bbox=plate)
        start += share
    axes.barh(height, start, height=BAR, facecolor="none", edgecolor=style.INK, linewidth=0.6)


def hatch_colour(look: Fill) -> str:
    return style.FAINT if look is FLIP else "white"


def _draw_win_rate(axes: Axes, height: float, summary: Summary) -> None:
    axes.plot([0.5, 0.5], [height - 0.05, height + 0.05], color=style.FAINT, linewidth=0.9)
    rate = summary["win_rate"]
    reach = [[max(rate - summary["ci_low"], 0)], [max(summary["ci_high"] - rate, 0)]]
    axes.errorbar(rate, height, xerr=reach, fmt="o", color=style.INK, markersize=3, capsize=2, elinewidth=0.9)


def caption(summary: Summary) -> list[str]:
    """Lines with what a reader must know before believing the bar."""
    if summary["judge"] is None:
        return []
    unreadable = f"unreadable {summary['unparsed']['rate']:.0%}"
    if summary["n"]:
        rate = f"win rate {summary['win_rate']:.0%} ({summary['ci_low']:.0%} to {summary['ci_high']:.0%})"
        unreadable = f"n = {summary['n']}; {rate}; {significance(summary['sign_test']['p'])}; {unreadable}"
    return [unreadable, *textwrap.wrap(f"judge: {summary['judge']}", CHARACTERS, break_on_hyphens=False)]


def significance(p: float | None) -> str:
    if p is None:
        return "all tied"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _frame(axes: Axes, height: float, *, scale: bool) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("share of prompts")
    axes.xaxis.set_visible(scale)
    axes.spines["bottom"].set_visible(scale)


def _legend(rivals: list[str]) -> list[Patch | Line2D]:
    preferred = [Patch(edgecolor="white", label=f"{style.title(each)} preferred", **fill(each)) for each in
                 [LEFT, *dict.fromkeys(rivals)]]  # fmt: skip
    ties = [
        Patch(edgecolor=style.INK, linewidth=0.4, label="tie in both orders", **TIE),
        Patch(edgecolor=style.FAINT, label="changes with the order (tie)", **FLIP),
    ]
    mark = Line2D([], [], color=style.INK, marker="o", markersize=3, label="win rate (ties half), 95% CI")
    return [*preferred, *ties, mark]


def _empty() -> Figure:
    drawn = Figure(figsize=(style.COLUMN, 1.0))
    drawn.text(0.5, 0.5, "no two systems were compared", ha="center", va="center")
    return drawn
