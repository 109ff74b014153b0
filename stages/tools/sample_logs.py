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
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zipfile import BadZipFile, ZipFile

from pydantic import AliasPath, BaseModel, ConfigDict, Field, ValidationError

from stages.core.errors import InputError, describe
from stages.records.files import iterate_jsonl

if TYPE_CHECKING:
    from pandas import DataFrame

HARNESS_FILE = re.compile(r"samples_(?P<task>.+)_\d{4}-\d\d-\d\dT[\d.-]+\.jsonl")
INSPECT_FILE = re.compile(r"\d{4}-\d\d-\d\dT[\d+-]+_(?P<task>.+)_[A-Za-z0-9]+\.eval")
INSPECT_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Correct, incorrect, partial, no answer: as Inspect's ``value_to_float``."""
ZSTANDARD = 93  # this compression's number in zip archives

Parsed = TypeVar("Parsed", bound=BaseModel)


def read(path: Path) -> "dict[str, DataFrame]":
    """Task → its values [samples, metrics], from one file or from the newest of each task in a folder.

    Every sample that was asked has a row; where it has no value of a metric there is NaN.

    Raises:
        InputError: There is none, they are of several runs or models, or a file is not as expected.
    """
    logs: dict[str, DataFrame] = {}
    for name, file in _newest(path).items():
        task, log = _inspect(file) if file.suffix == ".eval" else (name, _harness(file))
        if task in logs:
            raise InputError(f"{path}: task {task!r} stands in several files, one of them {file}: name one file")
        logs[task] = log
    return logs


def _newest(path: Path) -> dict[str, Path]:
    """The task that a file's name tells → the newest such file."""
    found = [path] if path.is_file() else sorted(path.rglob("samples_*.jsonl")) + sorted(path.rglob("*.eval"))
    found = [file for file in found if file.suffix == ".eval" or path == file or HARNESS_FILE.fullmatch(file.name)]
    if not found or found[0].suffix not in {".jsonl", ".eval"}:
        raise InputError(
            f"{path}: is or holds no sample log: expected samples_<task>_<time>.jsonl of lm-evaluation-harness "
            "(--log_samples) or Inspect's .eval, or a folder of them"
        )
    if len(parents := sorted({str(file.parent) for file in found})) > 1:
        raise InputError(f"{path}: holds logs of several runs or models: name one of {', '.join(parents)}")
    named = [(HARNESS_FILE.fullmatch(file.name) or INSPECT_FILE.fullmatch(file.name), file) for file in found]
    return {name["task"] if name else file.stem: file for name, file in named}  # the last of a task stays


class _HarnessSample(BaseModel):
    model_config = ConfigDict(extra="allow")

    doc_id: int | str
    doc_hash: str | None = None
    filter: str = "none"
    metrics: list[str]


def _harness(path: Path) -> "DataFrame":
    import pandas as pd

    values: dict[str, dict[str, float]] = {}
    met: Counter[tuple[str, str]] = Counter()
    for sample in iterate_jsonl(path, _HarnessSample):
        document = sample.doc_hash or f"doc_id {sample.doc_id}"
        met[sample.filter, document] += 1  # some sets hold a document twice
        of_sample = values.setdefault(f"{document} {met[sample.filter, document]}", {})
        for metric in sample.metrics:
            value = (sample.model_extra or {}).get(metric)
            if isinstance(value, bool | int | float) and math.isfinite(value):  # some are of all samples together
                of_sample[metric if sample.filter == "none" else f"{metric} ({sample.filter})"] = float(value)
    return pd.DataFrame(list(values.values()), index=list(values))


class _InspectHeader(BaseModel):
    task: str = Field(validation_alias=AliasPath("eval", "task"))


class _InspectSample(BaseModel):
    id: int | str
    epoch: int
    target: str | list[str]
    scores: dict[str, dict[str, Any]] | None = None


def _inspect(path: Path) -> "tuple[str, DataFrame]":
    """The task's name and its samples. Values of several epochs are averaged; a sample that failed has none."""
    import pandas as pd

    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if "header.json" not in names:
                raise InputError(f"{path}: has no header.json: the run did not end; `inspect eval-retry` takes it up")
            task = _parsed(path, archive, "header.json", _InspectHeader).task
            samples = [_parsed(path, archive, name, _InspectSample) for name in names if name.startswith("samples/")]
    except BadZipFile:
        raise InputError(f"{path}: expected a zip archive, as Inspect's .eval files are") from None
    values = [_numbers({name: score.get("value") for name, score in (each.scores or {}).items()}) for each in samples]
    epochs = pd.DataFrame(values, index=[f"{each.id} {json.dumps(each.target)}" for each in samples])
    return task, epochs.groupby(level=0, sort=False).mean()


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    """Those that are numbers or stand for one; of a score of several parts each part."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= _numbers({f"{name}/{part}": inner for part, inner in value.items()})
        elif isinstance(value, bool | int | float) and math.isfinite(value):
            found[name] = float(value)
        elif isinstance(value, str) and value in INSPECT_VALUES:
            found[name] = INSPECT_VALUES[value]
    return found


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
