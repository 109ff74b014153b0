"""A JSONL file as validated rows that know their line; a line that is none is a fault, and the rest is read."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from stages.core.errors import describe
from stages.data_checks.findings import Fault, Line

Row = TypeVar("Row", bound=BaseModel)


def read_lines(path: Path, kind: type[Row], faults: list[Fault]) -> list[Line[Row]]:
    if not path.is_file():
        faults.append(Fault(path, None, "the file is missing"))
        return []
    lines: list[Line[Row]] = []
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            try:
                lines.append(Line(path, number, kind.model_validate_json(text)))
            except ValidationError as error:
                faults.append(Fault(path, number, describe(error)))
    return lines
