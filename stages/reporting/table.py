"""A table as data: what stands in each cell, and which metrics it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from stages.reporting import formatting


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
        return self._with_interval(formatting.percent, key, low, high, **look)

    def points(self, key: str, low: str = "", high: str = "", **look: Any) -> Cell:
        """A difference of shares in percentage points."""
        return self._with_interval(formatting.points, key, low, high, **look)

    def number(self, key: str, digits: int = 2) -> Cell:
        value = self.values.get(key)
        return Cell(formatting.number(value, digits), () if value is None else (self.source(key),))

    def p(self, key: str) -> Cell:
        value = self.values.get(key)
        return Cell(formatting.p_value(value), () if value is None else (self.source(key),))

    def _with_interval(self, written: Any, key: str, low: str, high: str, **look: Any) -> Cell:
        if self.values.get(key) is None:
            return Cell(formatting.NOTHING, **look)
        text, keys = written(self.values[key]), [key]
        if low and self.values.get(low) is not None:
            text += f" ({written(self.values[low])} to {written(self.values[high])})"
            keys += [low, high]
        return Cell(text, tuple(self.source(each) for each in keys), **look)
