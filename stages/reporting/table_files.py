"""Tables as files: Markdown for a README, LaTeX for a paper, HTML for the page."""

import re
from pathlib import Path

from markupsafe import Markup, escape

from stages.files import write_text
from stages.reporting.formatting import MINUS
from stages.reporting.table import Cell, Table

LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", MINUS: "$-$", "\u2013": "--",
    "\u2018": "`", "\u2019": "'", "\u2026": r"\ldots{}",
}  # fmt: skip


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

    rule = ["---" if place < table.labels else "---:" for place in range(len(table.head))]
    rows = [line([text(cell) for cell in row]) for row in table.rows]
    notes = [f"\n{note}" for note in table.notes]
    return "\n".join([f"**{table.title}**\n", line(list(table.head)), line(rule), *rows, *notes]) + "\n"


def latex(table: Table) -> str:
    """A ``table`` environment that needs ``\\usepackage{booktabs}`` and nothing else."""
    columns = "l" * table.labels + "r" * (len(table.head) - table.labels)

    def text(cell: Cell) -> str:
        return rf"\textbf{{{tex(cell.text)}}}" if cell.strong else tex(cell.text)

    caption = ". ".join([table.title, *(note.rstrip(".") for note in table.notes)]) + "."
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{tex(caption)}}}",
            rf"  \label{{tab:{table.name}}}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            f"    {' & '.join(tex(head) for head in table.head)} \\\\",
            r"    \midrule",
            *(f"    {' & '.join(text(cell) for cell in row)} \\\\" for row in table.rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def tex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)


def html(table: Table) -> Markup:
    """A ``table`` element whose cells name, in ``data-source``, the metrics that they show."""
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(text) for text in table.head)
    rows = Markup("\n").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(_cell(cell, place < table.labels) for place, cell in enumerate(row))
        )
        for row in table.rows
    )
    caption = Markup("<caption>{}</caption>").format(table.title)
    return Markup('<table id="table-{}">\n{}\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>').format(
        table.name, caption, head, rows
    )


def _cell(cell: Cell, is_label: bool) -> Markup:
    text = Markup("<strong>{}</strong>").format(cell.text) if cell.strong else escape(cell.text)
    attributes = Markup("")
    if cell.variant:
        attributes += Markup(' class="arm-{}"').format(cell.variant.partition(".")[0])
    if cell.sources:
        attributes += Markup(' data-source="{}"').format(" ".join(cell.sources))
    if is_label:
        return Markup('<th scope="row"{}>{}</th>').format(attributes, text)
    return Markup("<td{}>{}</td>").format(attributes, text)
