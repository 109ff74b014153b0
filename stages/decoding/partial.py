"""What a killed answering had done: whole batches, kept until all are answered."""

import hashlib
import importlib.metadata
import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from stages import files
from stages.records.generation import Generation

logger = logging.getLogger(__name__)


class Batch(BaseModel):
    """Answers of questions that went through the model together, with their places."""

    places: list[int]
    generations: list[Generation]


class Partial:
    """Append-only files of batches, one a process, under a fingerprint of all that shapes them.

    A batch is synced to the disk before it counts as done; a line torn by a kill is dropped. What any process wrote
    counts for all, those of an earlier run included, however many they were. Files of other fingerprints are removed:
    nothing stale is ever taken up.
    """

    def __init__(self, folder: Path, fingerprint: str, rank: int = 0) -> None:
        self.folder, self.name = folder, fingerprint[:16]
        self.path = folder / f"{self.name}-{rank}.jsonl"
        for other in folder.glob("*.jsonl"):
            if not other.name.startswith(f"{self.name}-"):
                other.unlink(missing_ok=True)

    def done(self) -> dict[int, Generation]:
        """Answers so far, by place, before any is added: an unfinished last line of this process's file is cut off."""
        if self.path.is_file():
            os.truncate(self.path, sum(len(line) for line, _ in _whole(self.path)))
        found = self.read()
        if found:
            logger.warning("going on: %d answers are there from before", len(found))
        return found

    def read(self) -> dict[int, Generation]:
        """Answers of all processes so far, by place."""
        batches = [batch for path in self.folder.glob(f"{self.name}-*.jsonl") for _, batch in _whole(path)]
        return {place: it for batch in batches for place, it in zip(batch.places, batch.generations, strict=True)}

    def add(self, places: Sequence[int], generations: Sequence[Generation]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(files.json_line(Batch(places=list(places), generations=list(generations))))
            file.flush()
            os.fsync(file.fileno())


def _whole(path: Path) -> Iterator[tuple[bytes, Batch]]:
    """Lines up to the first that is not whole, each with its batch."""
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            batch = Batch.model_validate_json(line)
        except ValidationError:
            return
        if line.endswith(b"\n"):
            yield line, batch


def fingerprint(model: Path, shaping: object) -> str:
    """Hash of the model's files (by size and time: they are big), the given value, library versions and this code."""
    stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(model.iterdir())]
    versions = [importlib.metadata.version(name) for name in ("torch", "transformers")]
    code = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256(json.dumps([stats, versions, code, repr(shaping)]).encode()).hexdigest()
