"""Figure 5: whose answers the judge preferred."""

import csv
import io
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from stages.figures import style
from stages.records.files import write_text

Summary = Mapping[str, Any]
Summaries = Mapping[str, Mapping[str, Summary]]

OUTCOMES = ("win", "tie", "loss")
LEFT = "role"
ROW, BAR, REST = 0.17, 0.6, 0.45
"""A row's height and that of all that is no row, in inches; a bar's height as a part of its row's."""
CHARACTERS, BOLD = 62, 50
"""As many fit a line of the figure, in a caption and in a heading."""


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
    """For each pair a bar for each outcome that occurs, named beside it; a pair without verdicts says why."""
    pairs = [(model, pair, summary) for model, found in summaries.items() for pair, summary in found.items()]
    if not pairs:
        return style.empty("no two systems were compared")
    rows = sum(_rows(*each) for each in pairs)
    drawn = Figure(figsize=(style.COLUMN, ROW * rows + REST), layout="constrained")
    axes = drawn.subplots()
    place, names = 0, dict[float, str]()
    for model, pair, summary in pairs:
        place = _draw_pair(axes, place, model, pair, summary, names)
    axes.set_yticks(list(names), list(names.values()))
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    judged = any(summary["n"] for *_, summary in pairs)
    axes.set_xlabel("share of prompts" if judged else "")
    axes.xaxis.set_visible(judged)
    axes.spines["bottom"].set_visible(judged)
    return drawn


def _rows(model: str, pair: str, summary: Summary) -> int:
    """Rows of a pair: its heading, its bars and win rate or the reason why there are none, its caption, a space."""
    bars = len(parts(summary, rival(pair))) + 1 if summary["n"] else 1
    return len(heading(model, pair)) + bars + len(caption(summary)) + 1


def rival(pair: str) -> str:
    return pair.removeprefix(f"{LEFT} - ")


def heading(model: str, pair: str) -> list[str]:
    return textwrap.wrap(f"{model}, against {style.title(rival(pair))}", BOLD, break_on_hyphens=False)


def parts(summary: Summary, right: str) -> list[tuple[str, float, str]]:
    """Name, share and colour of the outcomes that occur: won, tied in both orders, changed with the order, lost.

    For a judge that names the better answer, verdicts that change with the order count as ties. Log-odds are averaged
    over both orders, so every prompt is won, tied or lost.
    """
    flips = summary["flips"]["rate"] if summary["strength"]["unit"] == "score" else 0.0
    found = [
        ("role preferred", summary["win"]["share"], style.colour(LEFT)),
        ("tie in both orders", max(summary["tie"]["share"] - flips, 0.0), style.FAINT),
        ("changes with the order (tie)", flips, style.FAINT),
        (f"{style.title(right)} preferred", summary["loss"]["share"], style.colour(right)),
    ]
    return [part for part in found if part[1] > 1e-9]


def _draw_pair(axes: Axes, place: int, model: str, pair: str, summary: Summary, names: dict[float, str]) -> int:
    """Draw the pair from row ``place`` on, add the names of its rows, and return the next pair's row."""
    for line in heading(model, pair):
        _write(axes, place, line, weight="bold")
        place += 1
    if summary["n"]:
        for name, share, colour in parts(summary, rival(pair)):
            names[place] = textwrap.shorten(name, 30, placeholder="…")
            axes.barh(place, share, height=BAR, color=colour)
            inside = share > 0.85  # where the number would stand beyond the axis
            axes.text(share + (-0.02 if inside else 0.02), place, f"{share:.0%}", va="center",
                      ha="right" if inside else "left", color=style.PAPER if inside else style.INK)  # fmt: skip
            place += 1
        names[place] = "win rate, ties half"
        _draw_win_rate(axes, place, summary)
    else:
        _write(axes, place, f"no result: {summary['reason']}")
    for line in caption(summary):
        place += 1
        _write(axes, place, line, size=6)
    return place + 2


def _write(axes: Axes, place: float, text: str, **look: Any) -> None:
    # From the figure's left edge, and outside the layout: a long line would make the bars narrower.
    across = axes.get_yaxis_transform()
    written = axes.annotate(text, (0, place), (6, 0), xycoords=(axes.figure.transFigure, across),
                            textcoords="offset points", va="center", **look)  # fmt: skip
    written.set_in_layout(False)


def _draw_win_rate(axes: Axes, place: float, summary: Summary) -> None:
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
        told = [f"n = {summary['n']}; {rate}; {significance(summary['sign_test']['p'])}; {told[0]}"]
        if summary["strength"]["measured_nothing"]:
            told.append("measured nothing: the order moves the judge more than the answers")
    return [*told, *textwrap.wrap(f"judge: {summary['judge']}", CHARACTERS, break_on_hyphens=False)]


def significance(p: float | None) -> str:
    if p is None:
        return "all tied"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
