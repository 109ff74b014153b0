"""A table as data, and as Markdown, LaTeX and HTML."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from stages.records.files import write_text
from stages.reporting import names
from stages.reporting.names import MINUS


@dataclass(frozen=True)
class Cell:
    """Text, and where in the metrics each number of it stands (file and JSON pointer), in the order of the text.

    Attributes:
        variant: Whose the cell is, for its colour.
        strong: A difference that its test bears out.
    """

    text: str
    sources: tuple[str, ...] = ()
    variant: str | None = None
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: Its file's name.
        title: What it shows, without a full stop.
        notes: Sentences below it.
        labels: How many columns name a row.
        words: Further columns of words rather than numbers, by their place.
    """

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    labels: int = 1
    words: Sequence[int] = ()

    def is_words(self, place: int) -> bool:
        return place < self.labels or place in self.words


@dataclass(frozen=True)
class Entry:
    """A part of a metrics file that knows its place, so that cells can tell where their numbers come from."""

    file: str
    values: Mapping[str, Any]
    keys: tuple[str, ...] = field(default=())

    def at(self, *keys: str) -> "Entry":
        """The part under the keys; empty where there is none."""
        values: Any = self.values
        for key in keys:
            values = values.get(key) or {}
        return Entry(self.file, values, (*self.keys, *keys))

    def source(self, key: str) -> str:
        return f"{self.file}#/" + "/".join(quote(part, safe="") for part in (*self.keys, key))

    def percent(self, key: str, low: str = "", high: str = "", **look: Any) -> Cell:
        """A share in per cent, with its interval where ``low`` and ``high`` name one."""
        return self._with_interval(names.percent, key, low, high, **look)

    def points(self, key: str, low: str = "", high: str = "", **look: Any) -> Cell:
        """A difference of shares in percentage points."""
        return self._with_interval(names.points, key, low, high, **look)

    def nats(self, key: str, low: str = "", high: str = "", **look: Any) -> Cell:
        """Nats a token."""
        return self._with_interval(names.nats, key, low, high, **look)

    def number(self, key: str, digits: int = 2) -> Cell:
        value = self.values.get(key)
        return Cell(names.number(value, digits), () if value is None else (self.source(key),))

    def p(self, key: str) -> Cell:
        value = self.values.get(key)
        return Cell(names.p_value(value), () if value is None else (self.source(key),))

    def _with_interval(self, written: Any, key: str, low: str, high: str, **look: Any) -> Cell:
        if self.values.get(key) is None:
            return Cell(names.NOTHING, **look)
        text, keys = written(self.values[key]), [key]
        if low and self.values.get(low) is not None:
            text += f" ({written(self.values[low])} to {written(self.values[high])})"
            keys += [low, high]
        return Cell(text, tuple(self.source(each) for each in keys), **look)


ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", MINUS: "$-$", "\u2013": "--",
    "\u2018": "`", "\u2019": "'", "\u2026": r"\ldots{}",
}  # fmt: skip
LONG = 32  # characters, from which on a column of words is set as a paragraph
FITTING = 95  # characters beside one another that fit a page's text in a footnote's size
PARAGRAPH = r"0.34\linewidth"


def latex(table: Table) -> str:
    """A ``table`` environment in a footnote's size, its heads broken where wider than their columns."""
    columns = [[row[place] for row in table.rows] for place in range(len(table.head))]
    kinds = [_kind(table, place, column) for place, column in enumerate(columns)]
    heads = [_head(head, column, kind) for head, column, kind in zip(table.head, columns, kinds, strict=True)]
    rows = [[_tex_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in table.rows]
    caption = ". ".join([table.title, *(note.rstrip(".") for note in table.notes)]) + "."
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            f"  {_size(table, columns)}",
            rf"  \caption{{{tex(caption)}}}",
            rf"  \label{{tab:{table.name}}}",
            r"  \medskip",
            rf"  \begin{{tabular}}{{@{{}}{''.join(kinds)}@{{}}}}",
            r"    \toprule",
            f"    {' & '.join(heads)} \\\\",
            r"    \midrule",
            *(rf"    {' & '.join(row)} \tabularnewline" for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _size(table: Table, columns: Sequence[Sequence[Cell]]) -> str:
    """Size of type and space between columns with which the table is not wider than a page's text."""
    heads = [max(len(word) for word in head.split()) for head in table.head]
    longest = [max([head, *(len(cell.text) for cell in column)]) for head, column in zip(heads, columns, strict=True)]
    fits = sum(min(each, LONG) for each in longest) <= FITTING
    return r"\footnotesize\setlength{\tabcolsep}{3.5pt}" if fits else r"\scriptsize\setlength{\tabcolsep}{1.8pt}"


def _kind(table: Table, place: int, column: Sequence[Cell]) -> str:
    if not table.is_words(place):
        return "r"
    return f"p{{{PARAGRAPH}}}" if max((len(cell.text) for cell in column), default=0) > LONG else "l"


def _head(text: str, column: Sequence[Cell], kind: str) -> str:
    """A head of several words, one below the other where the column is narrower than all of them in a line."""
    words = text.split()
    if len(words) < 2 or kind[0] == "p" or len(text) <= max((len(cell.text) for cell in column), default=0):
        return tex(text)
    lines = r" \\ ".join(tex(word) for word in words)
    return rf"\begin{{tabular}}[b]{{@{{}}{kind}@{{}}}}{lines}\end{{tabular}}"


def _tex_cell(cell: Cell, kind: str) -> str:
    text = rf"\textbf{{{tex(cell.text)}}}" if cell.strong else tex(cell.text)
    return rf"\raggedright {text}" if kind[0] == "p" else text


def tex(text: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in text)


LABEL = "label-cell"


def write(table: Table, folder: Path) -> None:
    """Write ``<name>.md``, ``<name>.tex`` and ``<name>.html``."""
    write_text(folder / f"{table.name}.md", markdown(table))
    write_text(folder / f"{table.name}.tex", latex(table))
    write_text(folder / f"{table.name}.html", f"{html(table)}\n")


def markdown(table: Table) -> str:
    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cells)} |"

    def text(cell: Cell) -> str:
        escaped = re.sub(r"([\\|*_`<\[\]])", r"\\\1", cell.text)
        return f"**{escaped}**" if cell.strong else escaped

    rule = ["---" if table.is_words(place) else "---:" for place in range(len(table.head))]
    rows = [line([text(cell) for cell in row]) for row in table.rows]
    notes = [f"\n{note}" for note in table.notes]
    return "\n".join([f"**{table.title}**\n", line(list(table.head)), line(rule), *rows, *notes]) + "\n"


def html(table: Table) -> Markup:
    """A ``table`` element whose cells name, in ``data-source``, the metrics that they show."""
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(_attributes(LABEL if table.is_words(place) else ""), text)
        for place, text in enumerate(table.head)
    )
    rows = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_cell(table, place, cell) for place, cell in enumerate(row)))
        for row in table.rows
    )
    caption = Markup("<caption><span>{}</span></caption>").format(table.title)
    return Markup('<table id="table-{}">\n{}\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>').format(
        table.name, caption, head, rows
    )


def _cell(table: Table, place: int, cell: Cell) -> Markup:
    text = Markup("<strong>{}</strong>").format(cell.text) if cell.strong else escape(cell.text)
    kinds = [
        LABEL if place < table.labels else "",
        "words" if place in table.words else "",
        f"arm-{cell.variant.partition('.')[0]}" if cell.variant else "",
    ]
    attributes = _attributes(" ".join(kind for kind in kinds if kind), " ".join(cell.sources))
    if place < table.labels:
        return Markup('<th scope="row"{}>{}</th>').format(attributes, text)
    return Markup("<td{}>{}</td>").format(attributes, text)


def _attributes(kinds: str, sources: str = "") -> Markup:
    written = Markup("")
    if kinds:
        written += Markup(' class="{}"').format(kinds)
    if sources:
        written += Markup(' data-source="{}"').format(sources)
    return written
