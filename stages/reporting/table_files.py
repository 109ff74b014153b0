"""A table as Markdown, LaTeX and HTML."""

import re
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
PARAGRAPH = r"p{0.34\linewidth}"


def write(table: Table, folder: Path) -> None:
    """Write ``<name>.md``, ``<name>.tex`` and ``<name>.html``."""
    write_text(folder / f"{table.name}.md", markdown(table))
    write_text(folder / f"{table.name}.tex", latex(table))
    write_text(folder / f"{table.name}.html", f"{html(table)}\n")


def latex(table: Table) -> str:
    """A ``table`` environment in footnote size; heads wider than their columns are broken into lines."""
    longest = [max(len(cell.text) for cell in column) for column in zip(*table.rows, strict=True)]
    kinds = [("p" if length > LONG else "l") if table.is_words(place) else "r" for place, length in enumerate(longest)]
    heads = " & ".join(map(_tex_head, table.head, kinds, longest))
    rows = [" & ".join(map(_tex_cell, row, kinds)) for row in table.rows]
    widths = [max(length, *map(len, head.split())) for head, length in zip(table.head, longest, strict=True)]
    fits = sum(min(width, LONG) for width in widths) <= FITTING
    caption = ". ".join([table.title, *(note.rstrip(".") for note in table.notes)]) + "."
    lines = [
        r"\begin{table}",
        r"  \centering",
        r"  \footnotesize\setlength{\tabcolsep}{3.5pt}" if fits else r"  \scriptsize\setlength{\tabcolsep}{1.8pt}",
        rf"  \caption{{{tex(caption)}}}",
        rf"  \label{{tab:{table.name}}}",
        r"  \medskip",
        rf"  \begin{{tabular}}{{@{{}}{''.join(kinds).replace('p', PARAGRAPH)}@{{}}}}",
        r"    \toprule",
        rf"    {heads} \\",
        r"    \midrule",
        *(rf"    {row} \tabularnewline" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _tex_head(text: str, kind: str, longest: int) -> str:
    """A head; its words stand one below the other where the column is narrower than the head."""
    words = text.split()
    if len(words) < 2 or kind == "p" or len(text) <= longest:
        return tex(text)
    lines = r" \\ ".join(map(tex, words))
    return rf"\begin{{tabular}}[b]{{@{{}}{kind}@{{}}}}{lines}\end{{tabular}}"


def _tex_cell(cell: Cell, kind: str) -> str:
    text = rf"\textbf{{{tex(cell.text)}}}" if cell.strong else tex(cell.text)
    return rf"\raggedright {text}" if kind == "p" else text


def tex(text: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in text)


def markdown(table: Table) -> str:
    def text(cell: Cell) -> str:
        escaped = re.sub(r"([\\|*_`<\[\]])", r"\\\1", cell.text)
        return f"**{escaped}**" if cell.strong else escaped

    rule = ["---" if table.is_words(place) else "---:" for place in range(len(table.head))]
    rows = [table.head, rule, *([text(cell) for cell in row] for row in table.rows)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"**{table.title}**\n", *lines, *(f"\n{note}" for note in table.notes)]) + "\n"


def html(table: Table) -> Markup:
    """A ``table`` element whose cells name, in ``data-source``, the metrics that they show."""
    head = [
        _element("th", text, scope="col", class_="label-cell" if table.is_words(place) else "")
        for place, text in enumerate(table.head)
    ]
    rows = [
        _element("tr", Markup("").join(_html_cell(table, place, cell) for place, cell in enumerate(row)))
        for row in table.rows
    ]
    caption = _element("caption", _element("span", table.title))
    return Markup('<table id="table-{}">\n{}\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>').format(
        table.name, caption, Markup("").join(head), Markup("\n").join(rows)
    )


def _html_cell(table: Table, place: int, cell: Cell) -> Markup:
    # On a narrow page an interval stands below its value.
    apart = re.fullmatch(r"(\S+) (\(\S+ to \S+\))", cell.text)
    value = apart[1] if apart else cell.text
    text = _element("strong", value) if cell.strong else escape(value)
    if apart:
        text += Markup(" ") + _element("span", apart[2], class_="interval")
    named = place < table.labels
    kinds = ["label-cell" if named else "", "words" if place in table.words else "",
             f"arm-{cell.variant.partition('.')[0]}" if cell.variant else ""]  # fmt: skip
    attributes = {"class_": " ".join(filter(None, kinds)), "data_source": " ".join(cell.sources)}
    return _element("th", text, scope="row", **attributes) if named else _element("td", text, **attributes)


def _element(tag: str, inside: str, **attributes: str) -> Markup:
    """An element without its empty attributes."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value}
    written = Markup("").join(Markup(' {}="{}"').format(*each) for each in named.items())
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, inside)
