"""Figure 5: whose answers the judge preferred."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from stages.figures import style

Summary = Mapping[str, Any]
Summaries = Mapping[str, Mapping[str, Summary]]

LEFT = "role"
ROW, BAR, REST = 0.17, 0.6, 0.45
"""A row's height and that of all that is no row, in inches; a bar's height as a part of its row's."""
CHARACTERS, BOLD = 62, 50
"""As many fit a line of the figure, in a caption and in a heading."""
COLUMNS = ("comparison", "model", "pair", "outcome", "share", "ci_low", "ci_high", "n")


class Row(NamedTuple):
    """One line of the figure: what is drawn into the axes at its place, and its name on the left."""

    draw: Callable[[Axes, int], None]
    name: str = ""


def csv_rows(summaries: Summaries) -> Iterator[tuple[Any, ...]]:
    """The values of ``COLUMNS`` for each outcome of each pair, for ``dvc plots``."""
    for model, pairs in summaries.items():
        for pair, summary in pairs.items():
            for outcome in ("win", "tie", "loss"):
                shares = (summary[outcome][key] for key in ("share", "ci_low", "ci_high"))
                yield (f"{model}: {pair}: {outcome}", model, pair, outcome, *shares, summary["n"])


@style.styled()
def figure(summaries: Summaries) -> Figure:
    """For each pair a bar for each outcome that occurs, named beside it; a pair without verdicts says why."""
    pairs = [(model, pair, summary) for model, found in summaries.items() for pair, summary in found.items()]
    if not pairs:
        return style.empty("no two systems were compared")
    rows = [row for each in pairs for row in _rows(*each)]
    drawn = Figure(figsize=(style.COLUMN, ROW * len(rows) + REST), layout="constrained")
    axes = drawn.subplots()
    for place, row in enumerate(rows):
        row.draw(axes, place)
    names = {place: row.name for place, row in enumerate(rows) if row.name}
    axes.set_yticks(list(names), list(names.values()))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    judged = any(summary["n"] for *_, summary in pairs)
    axes.set_xlabel("share of prompts" if judged else "")
    axes.xaxis.set_visible(judged)
    axes.spines["bottom"].set_visible(judged)
    return drawn


def _rows(model: str, pair: str, summary: Summary) -> Iterator[Row]:
    """A pair's heading, its bars and win rate or the reason why there are none, its caption, a space."""
    right = pair.removeprefix(f"{LEFT} - ")
    for line in textwrap.wrap(f"{model}, against {style.title(right)}", BOLD, break_on_hyphens=False):
        yield Row(partial(_write, text=line, weight="bold"))
    if summary["n"]:
        for name, share, colour in parts(summary, right):
            yield Row(partial(_draw_bar, share=share, colour=colour), textwrap.shorten(name, 30, placeholder="…"))
        yield Row(partial(_draw_win_rate, summary=summary), "win rate, ties half")
    else:
        yield Row(partial(_write, text=f"no result: {summary['reason']}"))
    for line in caption(summary):
        yield Row(partial(_write, text=line, size=6))
    yield Row(lambda _axes, _place: None)


def parts(summary: Summary, right: str) -> list[tuple[str, float, str]]:
    """Name, share and colour of the outcomes that occur: won, tied in both orders, changed with the order, lost.

    For a judge that names the better answer, verdicts that change with the order count as ties. Log-odds are averaged
    over both orders, so every prompt is won, tied or lost.
    """
    flips = summary["flips"]["rate"] if summary["strength"]["unit"] == "score" else 0.0
    found = [
        ("role preferred", summary["win"]["share"], style.look(LEFT).colour),
        ("tie in both orders", max(summary["tie"]["share"] - flips, 0.0), style.FAINT),
        ("changes with the order (tie)", flips, style.FAINT),
        (f"{style.title(right)} preferred", summary["loss"]["share"], style.look(right).colour),
    ]
    return [part for part in found if part[1] > 1e-9]


def _draw_bar(axes: Axes, place: int, share: float, colour: str) -> None:
    axes.barh(place, share, height=BAR, color=colour)
    if share > 0.85:  # the number would stand beyond the axis
        axes.text(share - 0.02, place, f"{share:.0%}", va="center", ha="right", color=style.PAPER)
    else:
        axes.text(share + 0.02, place, f"{share:.0%}", va="center", ha="left", color=style.INK)


def _write(axes: Axes, place: int, text: str, **look: Any) -> None:
    # From the figure's left edge, and outside the layout: a long line would make the bars narrower.
    across = axes.get_yaxis_transform()
    written = axes.annotate(text, (0, place), (6, 0), xycoords=(axes.figure.transFigure, across),
                            textcoords="offset points", va="center", **look)  # fmt: skip
    written.set_in_layout(False)


def _draw_win_rate(axes: Axes, place: int, summary: Summary) -> None:
    axes.plot([0.5, 0.5], [place - 0.4, place + 0.4], color=style.FAINT, linewidth=0.9)
    rate = summary["win_rate"]
    reach = [[max(rate - summary["ci_low"], 0)], [max(summary["ci_high"] - rate, 0)]]
    axes.errorbar(rate, place, xerr=reach, fmt="o", color=style.INK, markersize=3, capsize=2, elinewidth=0.9,
                  clip_on=False)  # fmt: skip


def caption(summary: Summary) -> list[str]:
    """Lines that a reader should know before trusting the bars."""
    if summary["judge"] is None:
        return []
    told = [f"unreadable {summary['unparsed']['rate']:.0%}"]
    if summary["n"]:
        rate = f"win rate {summary['win_rate']:.0%} ({summary['ci_low']:.0%} to {summary['ci_high']:.0%})"
        p = summary["sign_test"]["p"]
        test = "all tied" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        told = [f"n = {summary['n']}; {rate}; {test}; {told[0]}"]
        if summary["strength"]["measured_nothing"]:
            told.append("measured nothing: the order moves the judge more than the answers")
    return [*told, *textwrap.wrap(f"judge: {summary['judge']}", CHARACTERS, break_on_hyphens=False)]
