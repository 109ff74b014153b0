"""What other evaluation programs logged for each sample: lm-evaluation-harness and Inspect.

lm-evaluation-harness with ``--log_samples`` writes ``samples_<task>_<time>.jsonl``, a line for each document and
filter; samples are the same where ``doc_hash`` is. Inspect writes ``.eval``, a zip archive of ``header.json`` and, for
each sample and epoch, ``samples/<id>_epoch_<n>.json``; samples are the same where their id and target are.
"""

import io
import json
import math
import re
import struct
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile, ZipFile

from pydantic import BaseModel, ConfigDict, ValidationError

from stages.core.errors import InputError
from stages.records.files import describe, iterate_jsonl

HARNESS_FILE = re.compile(r"samples_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")
ZSTANDARD = 93  # this compression's number in zip archives
INSPECT_FILE = re.compile(r"\d{4}-\d\d-\d\dT[\d+-]+_(?P<task>.+)_[A-Za-z0-9]+\.eval")
INSPECT_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Correct, incorrect, partial, no answer: as Inspect's ``value_to_float``."""

Key = tuple[str, ...]
Parsed = TypeVar("Parsed", bound=BaseModel)


@dataclass
class Log:
    """One task's samples.

    Attributes:
        path: Where they stand.
        measures: The name of a metric, with its filter where it has one, → sample → its value.
        samples: All that were asked, in order, also those without a value.
    """

    path: Path
    measures: dict[str, dict[Key, float]] = field(default_factory=lambda: defaultdict(dict))
    samples: dict[Key, None] = field(default_factory=dict)


def read(path: Path) -> dict[str, Log]:
    """Task → its samples, from one file or from the newest of each task in a folder.

    Raises:
        InputError: There is none, they are of several runs or models, or a file is not as expected.
    """
    if path.is_file():
        chosen = {_task(path): path}
    elif path.is_dir():
        chosen = _newest(path)
    else:
        raise InputError(f"{path} does not exist: expected a file or folder of sample logs")
    logs = {}
    for name, file in chosen.items():
        task, log = _inspect(file) if file.suffix == ".eval" else (name, _harness(file))
        if task in logs:
            raise InputError(f"{path}: task {task!r} stands in several files, one of them {file}: name one file")
        logs[task] = log
    return logs


def _task(path: Path) -> str:
    if path.suffix not in {".jsonl", ".eval"}:
        raise InputError(
            f"{path}: expected samples_<task>_<time>.jsonl of lm-evaluation-harness (--log_samples) or Inspect's .eval"
        )
    found = HARNESS_FILE.fullmatch(path.name) or INSPECT_FILE.fullmatch(path.name)
    return found["task"] if found else path.stem


def _newest(folder: Path) -> dict[str, Path]:
    found = sorted(path for path in folder.rglob("*") if HARNESS_FILE.fullmatch(path.name) or path.suffix == ".eval")
    if not found:
        raise InputError(
            f"{folder}: holds no samples_<task>_<time>.jsonl (lm-evaluation-harness with --log_samples) and no .eval"
        )
    if len(parents := sorted({str(path.parent) for path in found})) > 1:
        raise InputError(f"{folder}: holds logs of several runs or models: name one of {', '.join(parents)}")
    return {_task(path): path for path in found}  # in the order of their times, so that the last stays


class _HarnessSample(BaseModel):
    model_config = ConfigDict(extra="allow")

    doc_id: int | str
    doc_hash: str | None = None
    filter: str = "none"
    metrics: list[str]


def _harness(path: Path) -> Log:
    log = Log(path)
    met: Counter[tuple[str, str]] = Counter()
    for sample in iterate_jsonl(path, _HarnessSample):
        document = sample.doc_hash or f"doc_id {sample.doc_id}"
        met[sample.filter, document] += 1
        key = (document, str(met[sample.filter, document]))  # some sets hold a document twice
        log.samples[key] = None
        for metric in sample.metrics:
            name = metric if sample.filter == "none" else f"{metric} ({sample.filter})"
            value = (sample.model_extra or {}).get(metric)
            if isinstance(value, bool | int | float) and math.isfinite(value):  # some are of all samples together
                log.measures[name][key] = float(value)
    return log


class _InspectScore(BaseModel):
    value: Any


class _InspectSample(BaseModel):
    id: int | str
    epoch: int
    target: str | list[str]
    scores: dict[str, _InspectScore] | None = None


class _InspectTask(BaseModel):
    task: str


class _InspectHeader(BaseModel):
    eval: _InspectTask


def _inspect(path: Path) -> tuple[str, Log]:
    """The task's name and its samples. Values of several epochs are averaged; a sample that failed has none."""
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if "header.json" not in names:
                raise InputError(f"{path}: has no header.json: the run did not end; `inspect eval-retry` takes it up")
            task = _parsed(path, archive, "header.json", _InspectHeader).eval.task
            found = [_parsed(path, archive, name, _InspectSample) for name in names if name.startswith("samples/")]
    except BadZipFile:
        raise InputError(f"{path}: expected a zip archive, as Inspect's .eval files are") from None
    log = Log(path)
    values: dict[str, dict[Key, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in found:
        key = (str(sample.id), json.dumps(sample.target))
        log.samples[key] = None
        for scorer, score in (sample.scores or {}).items():
            for measure, value in _inspect_values(scorer, score.value):
                values[measure][key].append(value)
    for measure, by_sample in values.items():
        log.measures[measure] = {key: sum(some) / len(some) for key, some in by_sample.items()}
    return task, log


def _inspect_values(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """A score's numbers: one, or one for each key of a score of several parts; none for other values."""
    if isinstance(value, dict):
        for part, inner in value.items():
            yield from _inspect_values(f"{name}/{part}", inner)
    elif isinstance(value, bool | int | float) and math.isfinite(value):
        yield name, float(value)
    elif isinstance(value, str) and value in INSPECT_VALUES:
        yield name, INSPECT_VALUES[value]


def _parsed(path: Path, archive: ZipFile, name: str, kind: type[Parsed]) -> Parsed:
    try:
        return kind.model_validate_json(_member(path, archive, name))
    except ValidationError as error:
        raise InputError(f"{path}, {name}: {describe(error)}") from None


def _member(path: Path, archive: ZipFile, name: str) -> bytes:
    """A file of the archive. Inspect compresses with Zstandard, which Python's zipfile reads from 3.14 on alone."""
    entry = archive.getinfo(name)
    if entry.compress_type != ZSTANDARD:
        return archive.read(entry)
    import zstandard

    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)  # of the local header, after which name and extra field stand
        file.seek(sum(struct.unpack("<HH", file.read(4))), io.SEEK_CUR)
        compressed = io.BytesIO(file.read(entry.compress_size))
    return bytes(zstandard.ZstdDecompressor().stream_reader(compressed, read_across_frames=True).read())
