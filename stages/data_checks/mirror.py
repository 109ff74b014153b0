"""All texts of a folder laid out like the Hub, and what the bundled data share with them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.corpora.overlap import Gram, grams
from stages.data_checks.findings import Fault, Line

RUN = 8


def check_overlap(lines: Sequence[Line[Any]], mirror: Path) -> Iterator[Fault]:
    """Lines that share a run of :data:`RUN` words with a text of the mirror, each with its first run."""
    ours: dict[Gram, list[Line[Any]]] = {}
    for line in lines:
        for gram in set().union(*(grams(text, RUN) for text in texts(line.row))):
            ours.setdefault(gram, []).append(line)
    shared: dict[tuple[Path, int], tuple[Line[Any], Gram, Path]] = {}
    for file, text in mirror_texts(mirror):
        for gram in sorted(grams(text, RUN) & ours.keys()):
            for line in ours[gram]:
                shared.setdefault((line.path, line.number), (line, gram, file))
    for _, (line, gram, file) in sorted(shared.items()):
        yield line.fault(f"{' '.join(gram)!r} stands in {file.relative_to(mirror)} too")


def mirror_texts(mirror: Path) -> Iterator[tuple[Path, str]]:
    """Every string of every Parquet and JSONL file, with the file; cards are not read."""
    for file in sorted([*mirror.rglob("*.parquet"), *mirror.rglob("*.jsonl")]):
        for row in _rows(file):
            for text in texts(row):
                yield file, text


def _rows(file: Path) -> Iterator[Any]:
    if file.suffix == ".jsonl":
        with file.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines)
        return
    from pyarrow.parquet import ParquetFile

    for batch in ParquetFile(file).iter_batches():
        yield from batch.to_pylist()


def texts(value: Any) -> Iterator[str]:
    """The strings in a value, however deep."""
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)
