"""A table as Markdown, LaTeX and HTML."""

import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup, escape

from stages.records.files import write_text
from stages.reporting.names import MINUS
from stages.reporting.table import Cell, Table

ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", MINUS: "$-$", "\u2013": "--",
    "\u2018": "`", "\u2019": "'", "\u2026": r"\ldots{}",
}  # fmt: skip
LONG = 32  # characters, from which on a column of words is set as a paragraph
FITTING = 95  # characters beside one another that fit a page's text in a footnote's size
PARAGRAPH = r"0.34\linewidth"


def latex(table: Table) -> str:
    """A ``table`` environment in footnote size; heads wider than their columns are broken into lines."""
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
    """Font size and column spacing with which the table fits the width of the text."""
    heads = [max(len(word) for word in head.split()) for head in table.head]
    widths = [max(head, _longest(column)) for head, column in zip(heads, columns, strict=True)]
    fits = sum(min(width, LONG) for width in widths) <= FITTING
    return r"\footnotesize\setlength{\tabcolsep}{3.5pt}" if fits else r"\scriptsize\setlength{\tabcolsep}{1.8pt}"


def _kind(table: Table, place: int, column: Sequence[Cell]) -> str:
    if not table.is_words(place):
        return "r"
    return f"p{{{PARAGRAPH}}}" if _longest(column) > LONG else "l"


def _longest(column: Sequence[Cell]) -> int:
    return max((len(cell.text) for cell in column), default=0)


def _head(text: str, column: Sequence[Cell], kind: str) -> str:
    """A head; its words stand one below the other where the column is narrower than the head."""
    words = text.split()
    if len(words) < 2 or kind[0] == "p" or len(text) <= _longest(column):
        return tex(text)
    lines = r" \\ ".join(tex(word) for word in words)
    return rf"\begin{{tabular}}[b]{{@{{}}{kind}@{{}}}}{lines}\end{{tabular}}"


def _tex_cell(cell: Cell, kind: str) -> str:
    text = rf"\textbf{{{tex(cell.text)}}}" if cell.strong else tex(cell.text)
    return rf"\raggedright {text}" if kind[0] == "p" else text


def tex(text: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in text)


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
        _element("th", text, scope="col", class_="label-cell" if table.is_words(place) else "")
        for place, text in enumerate(table.head)
    )
    rows = Markup("\n").join(
        _element("tr", Markup("").join(_cell(table, place, cell) for place, cell in enumerate(row)))
        for row in table.rows
    )
    caption = _element("caption", _element("span", table.title))
    return Markup('<table id="table-{}">\n{}\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>').format(
        table.name, caption, head, rows
    )


def _cell(table: Table, place: int, cell: Cell) -> Markup:
    # On a narrow page an interval stands below its value.
    apart = re.fullmatch(r"(\S+) (\(\S+ to \S+\))", cell.text)
    value = apart[1] if apart else cell.text
    text = _element("strong", value) if cell.strong else escape(value)
    if apart:
        text += Markup(" ") + _element("span", apart[2], class_="interval")
    named = place < table.labels
    kinds = ("label-cell" if named else "", "words" if place in table.words else "",
             f"arm-{cell.variant.partition('.')[0]}" if cell.variant else "")  # fmt: skip
    attributes = {"class_": " ".join(filter(None, kinds)), "data_source": " ".join(cell.sources)}
    return _element("th", text, scope="row", **attributes) if named else _element("td", text, **attributes)


def _element(tag: str, inside: str, **attributes: str) -> Markup:
    written = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), value)
        for name, value in attributes.items()
        if value
    )
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, inside)
