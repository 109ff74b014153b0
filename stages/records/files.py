"""Reading and writing the pipeline's files: validated when read, moved into place when written."""

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stages.core.errors import InputError, describe, remedy

Record = TypeVar("Record", bound=BaseModel)

WRITING = ".writing-"
"""How the names of files begin that are not whole yet. A kill leaves them; .dvcignore and .gitignore pass them by."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of ``path`` if the block ends without an error.

    Raises:
        InputError: The disk is full or may not be written to; what was at ``path`` stays there.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{WRITING}{path.name}-", suffix=path.suffix)
        os.close(descriptor)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if told := remedy(error):
            raise InputError(f"{path} cannot be written ({error}): {told}, then run it again") from error
        raise
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people and for ``dvc metrics``: indented, keys in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table with its header, for ``dvc plots``; None becomes an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_json(path: Path) -> Any:
    try:
        return json.loads("".join(lines_of(path)))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: run `dvc repro`, which makes it") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from None


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a text, without the mark that some editors put before it.

    Raises:
        InputError: A line is not in UTF-8.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}, line {number}: not UTF-8 ({error.reason}, byte {error.start + 1}): save the file in UTF-8"
                ) from None


def write_jsonl(path: Path, records: Iterable[BaseModel]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json_line(record))


def json_line(record: BaseModel) -> str:
    return json.dumps(record.model_dump(), ensure_ascii=False, allow_nan=False) + "\n"


def read_jsonl(path: Path, record_type: type[Record]) -> list[Record]:
    return list(iterate_jsonl(path, record_type))


def iterate_jsonl(path: Path, record_type: type[Record]) -> Iterator[Record]:
    """Every line of ``path`` as a validated record.

    Raises:
        InputError: The file is missing, or a line is not what it should be; the line and key are named.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: run `dvc repro`, which makes it, or `dvc pull`")
    for number, line in enumerate(lines_of(path), start=1):
        if line.strip():
            try:
                yield record_type.model_validate_json(line)
            except ValidationError as error:
                raise InputError(f"{path}, line {number}: {describe(error)}") from None
