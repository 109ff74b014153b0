"""A run kept for good: its files in their places, compressed, without texts of benchmarks or corpora.

A study's folder ``data/studies/<name>`` is laid out as the repository is (``data/plan.json``, ``data/scored.jsonl.gz``,
``metrics/finetune/…``), so code that reads a run can read a study too, once it is unpacked.
"""

import gzip
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from stages.core.errors import InputError
from stages.records.files import json_line, replacing

STUDIES = Path("data/studies")
SUFFIX = ".gz"


def write_compressed(path: Path, records: Iterable[BaseModel]) -> None:
    """Write ``records`` to ``path`` as a ``.jsonl.gz`` without a date, so that equal records give equal bytes."""
    with (
        replacing(path) as part,
        part.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
    ):
        for record in records:
            packed.write(json_line(record).encode())


@contextmanager
def unpacked(name: str, studies: Path = STUDIES) -> Iterator[Path]:
    """A temporary folder with a study's files, uncompressed, laid out as a run's.

    Raises:
        InputError: There is no such study, or a file of it is damaged.
    """
    study = studies / name
    if not (study / "data/plan.json").is_file():
        raise InputError(f"{study}: holds no study: make one with `python -m stages.tools.freeze {name}` after a run")
    with tempfile.TemporaryDirectory(prefix="study-") as folder:
        unpack(study, Path(folder))
        yield Path(folder)


def unpack(study: Path, to: Path) -> None:
    """Copy a study's files to ``to`` and decompress them, which removes their last suffix."""
    for path in sorted(study.rglob("*")):
        if not path.is_file():
            continue
        target = to / path.relative_to(study)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != SUFFIX:
            shutil.copyfile(path, target)
            continue
        try:
            with gzip.open(path) as packed, target.with_suffix("").open("wb") as plain:
                shutil.copyfileobj(packed, plain)
        except (OSError, EOFError) as error:
            raise InputError(f"{path}: cannot be read ({error}): restore it with `git checkout {path}`") from error
