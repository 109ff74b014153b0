"""What a check finds: faults with their file and line, and measures that are worth reading when there is none."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

Row_co = TypeVar("Row_co", covariant=True)


@dataclass(frozen=True)
class Fault:
    """Something wrong; ``line`` is None where it is the whole file's."""

    path: Path
    line: int | None
    message: str

    def __str__(self) -> str:
        place = f"{self.path}" if self.line is None else f"{self.path}, line {self.line}"
        return f"{place}: {self.message}"


@dataclass(frozen=True)
class Line(Generic[Row_co]):
    """A row, and where it stands."""

    path: Path
    number: int
    row: Row_co

    def fault(self, message: str) -> Fault:
        return Fault(self.path, self.number, message)

    def seen_from(self, path: Path) -> str:
        """How a message about a line of ``path`` names this line."""
        return f"line {self.number}" if self.path == path else f"{self.path}, line {self.number}"


@dataclass
class Report:
    """All that was found; ``measures`` are sentences."""

    faults: list[Fault] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)

    def in_order(self) -> list[Fault]:
        """Each fault once, by file and line; a file's own come first."""
        return sorted(set(self.faults), key=lambda fault: (fault.path, fault.line or 0, fault.message))
