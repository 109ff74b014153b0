"""Reading and writing the pipeline's files: validated when read, moved into place when written."""

import errno
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stages.core.errors import InputError

Record = TypeVar("Record", bound=BaseModel)

WRITING = ".writing-"
"""How the names of files begin that are not whole yet. A kill leaves them; .dvcignore and .gitignore pass them by."""

REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`)",
    errno.EROFS: "work where files can be written",
    errno.EACCES: "work as a user who has that right",
}


RUST = re.compile(r"\(os error (\d+)\)")
"""How libraries in Rust, that of safetensors among them, name an error of the system."""


def remedy(error: Exception) -> str | None:
    """What helps against an error of the disk; None where it is none."""
    told = RUST.search(str(error))
    number = error.errno if isinstance(error, OSError) else int(told[1]) if told else None
    return REMEDIES.get(number or 0)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place if the block ends without an error.

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
    """Every line of ``path`` as a validated record.

    Raises:
        InputError: The file is missing, or a line is not what it should be; the line and key are named.
    """
    return list(iterate_jsonl(path, record_type))


def iterate_jsonl(path: Path, record_type: type[Record]) -> Iterator[Record]:
    if not path.is_file():
        raise InputError(f"{path} does not exist: run `dvc repro`, which makes it, or `dvc pull`")
    for number, line in enumerate(lines_of(path), start=1):
        if line.strip():
            try:
                yield record_type.model_validate_json(line)
            except ValidationError as error:
                raise InputError(f"{path}, line {number}: {describe(error)}") from None


def describe(error: ValidationError, prefix: str = "") -> str:
    """A validation error as one readable line: each key, what was wrong, what was found.

    The value of an unknown key is not told: it may be a secret pasted where it does not belong.
    """
    parts = []
    for fault in error.errors():
        key = ".".join([*([prefix] if prefix else []), *(str(part) for part in fault["loc"])])
        told = fault["type"] not in {"missing", "value_error", "extra_forbidden", "union_tag_invalid"}
        text = fault["msg"].removeprefix("Value error, ") + (f", found {fault['input']!r:.100}" if told else "")
        parts.append(f"{key}: {text}" if key else text)
    return "; ".join(parts)
