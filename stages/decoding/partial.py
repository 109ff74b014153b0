"""What a killed answering had done: whole batches, kept until all are answered."""

import hashlib
import importlib.metadata
import json
import logging
import os
from collections.abc import Sequence
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
    """An append-only file of batches under a fingerprint of all that shapes them.

    A batch is synced to the disk before it counts as done; a line torn by a kill is dropped. Files of other
    fingerprints are removed: nothing stale is ever taken up.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.path = folder / f"{fingerprint[:16]}.jsonl"
        for other in folder.glob("*.jsonl"):
            if other != self.path:
                other.unlink()

    def done(self) -> dict[int, Generation]:
        """Answers so far, by place."""
        found: dict[int, Generation] = {}
        whole = 0
        if self.path.is_file():
            for line in self.path.read_bytes().splitlines(keepends=True):
                try:
                    batch = Batch.model_validate_json(line)
                except ValidationError:
                    break
                whole += len(line)
                found |= dict(zip(batch.places, batch.generations, strict=True))
            os.truncate(self.path, whole)
        if found:
            logger.warning("going on: %d answers are there from before", len(found))
        return found

    def add(self, places: Sequence[int], generations: Sequence[Generation]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(files.json_line(Batch(places=list(places), generations=list(generations))))
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def fingerprint(model: Path, shaping: object) -> str:
    """Hash of the model's files (by size and time: they are big), the given value, library versions and this code."""
    stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(model.iterdir())]
    versions = [importlib.metadata.version(name) for name in ("torch", "transformers")]
    code = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256(json.dumps([stats, versions, code, repr(shaping)]).encode()).hexdigest()
