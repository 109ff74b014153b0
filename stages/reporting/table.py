"""A table as data: cells that know where in the metrics their numbers come from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stages.core import parameters
from stages.figures.style import SIGNIFICANT
from stages.reporting import names, notes
from stages.reporting.inputs import Inputs

WORDS = Path(__file__).parent / "templates/tables.yaml"


@dataclass(frozen=True)
class Cell:
    """Text, and the source of each of its numbers in the metrics (file and JSON pointer), in order.

    Attributes:
        variant: The variant that the cell belongs to, for its colour.
        strong: Whether it is a significant difference.
    """

    text: str
    sources: tuple[str, ...] = ()
    variant: str | None = None
    strong: bool = False


NO_CELL = Cell("")
Rows = Iterator[list[Cell]]


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


def build(inputs: Inputs, rows_of: Mapping[str, Any]) -> list[Table]:
    """The tables of ``templates/tables.yaml`` that have rows, without the columns that no row fills.

    Args:
        inputs: A run's files.
        rows_of: A table's name → the function that gives its rows.
    """
    found = []
    for name, told in parameters.read(WORDS).items():
        rows = list(rows_of[name](inputs))
        kept = [place for place in range(len(told["head"])) if any(row[place].text for row in rows)]
        head = [told["head"][place] for place in kept]
        words = [head.index(text) for text in told.get("words", []) if text in head]
        labels = sum(place < told.get("labels", 1) for place in kept)
        if rows:
            cells = [[row[place] for place in kept] for row in rows]
            found.append(Table(name, told["title"], head, cells, notes.filled(inputs, told["notes"]), labels, words))
    return found


@dataclass(frozen=True)
class Entry:
    """A part of a metrics file that knows its place in it, so that cells can name their sources."""

    file: str
    values: Mapping[str, Any]
    keys: tuple[str, ...] = ()

    def at(self, *keys: str) -> "Entry":
        """The part under the keys; empty where there is none."""
        values: Any = self.values
        for key in keys:
            values = values.get(key) or {}
        return Entry(self.file, values, (*self.keys, *keys))

    def source(self, key: str) -> str:
        return f"{self.file}#/" + "/".join(quote(part, safe="") for part in (*self.keys, key))

    def percent(self, key: str, *, interval: bool = False, variant: str | None = None) -> Cell:
        """A share in per cent."""
        return self._cell(key, names.percent, interval=interval, variant=variant)

    def points(self, key: str, *, interval: bool = False) -> Cell:
        """A difference of shares in percentage points, strong where it is significant."""
        p = self.values.get("p_holm")
        return self._cell(key, names.points, interval=interval, strong=p is not None and p < SIGNIFICANT)

    def nats(self, key: str, *, interval: bool = False) -> Cell:
        """Nats a token."""
        return self._cell(key, names.nats, interval=interval)

    def number(self, key: str, digits: int = 2) -> Cell:
        return self._cell(key, partial(names.number, digits=digits))

    def p(self, key: str) -> Cell:
        return self._cell(key, names.p_value)

    def _cell(self, key: str, written: Callable[[float], str], *, interval: bool = False, **look: Any) -> Cell:
        if self.values.get(key) is None:
            return Cell(names.NOTHING, **look)
        text, keys = written(self.values[key]), [key]
        if interval and self.values.get("ci_low") is not None:
            text += f" ({written(self.values['ci_low'])} to {written(self.values['ci_high'])})"
            keys += ["ci_low", "ci_high"]
        return Cell(text, tuple(self.source(each) for each in keys), **look)


def metric(inputs: Inputs, name: str, *keys: str) -> Entry:
    """The part of ``metrics/<name>.json`` under the keys."""
    return Entry(f"metrics/{name}.json", inputs.metrics[name]).at(*keys)
