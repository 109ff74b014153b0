"""A table as LaTeX that a paper can include: narrow enough for a page of one column, and in need of booktabs alone."""

from collections.abc import Sequence

from stages.reporting.formatting import MINUS
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
    """A ``table`` environment in a footnote's size, its heads broken where wider than their columns."""
    columns = [[row[place] for row in table.rows] for place in range(len(table.head))]
    kinds = [_kind(table, place, column) for place, column in enumerate(columns)]
    heads = [_head(head, column, kind) for head, column, kind in zip(table.head, columns, kinds, strict=True)]
    rows = [[_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in table.rows]
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


def _cell(cell: Cell, kind: str) -> str:
    text = rf"\textbf{{{tex(cell.text)}}}" if cell.strong else tex(cell.text)
    return rf"\raggedright {text}" if kind[0] == "p" else text


def tex(text: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in text)
