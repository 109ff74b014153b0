"""Tables as files: Markdown for a README, LaTeX for a paper, HTML for the page."""

import re
from pathlib import Path

from markupsafe import Markup, escape

from stages.records.files import write_text
from stages.reporting.latex import latex
from stages.reporting.table import Cell, Table

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
