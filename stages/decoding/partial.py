"""Work in batches that several processes share, and that goes on after a kill from the batches already done."""

import hashlib
import importlib.metadata
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Generic, TypeVar

import torch
import torch.distributed
from pydantic import BaseModel

logger = logging.getLogger(__name__)

PATIENCE = timedelta(days=30)
"""How long a process waits for the slowest one: as long as that takes."""

Done = TypeVar("Done", bound=BaseModel)


@dataclass(frozen=True)
class Share:
    """This process's place among all: ``rank`` of ``processes``."""

    rank: int
    processes: int

    def of(self, batches: Sequence[list[int]]) -> Sequence[list[int]]:
        """Whole batches, dealt back and forth: they come the heaviest first, and each share then has as much to do."""
        turns = (self.rank, 2 * self.processes - 1 - self.rank)
        return [batch for place, batch in enumerate(batches) if place % (2 * self.processes) in turns]

    def wait(self) -> None:
        if self.processes > 1:
            torch.distributed.barrier()

    def leave(self) -> None:
        if self.processes > 1:
            torch.distributed.destroy_process_group()


ALONE = Share(0, 1)


def joined() -> Share:
    """The share that a launcher (``torchrun``, DeepSpeed's) gave this process, on a GPU of its own where there is one.

    The processes only wait for one another and send nothing: gloo does on any machine.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return ALONE
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    torch.distributed.init_process_group("gloo", timeout=PATIENCE)
    return Share(torch.distributed.get_rank(), torch.distributed.get_world_size())


class Partial(Generic[Done]):
    """Append-only files of batches that are done, one file a process, named by a fingerprint of all that shapes them.

    A batch is synced to the disk before it counts as done; a line torn by a kill is dropped. Batches of all processes
    count, those of an earlier run included, however many processes it had. Files of other fingerprints are removed, so
    that nothing stale is ever used.
    """

    def __init__(self, folder: Path, fingerprint: str, kind: type[Done], rank: int = 0) -> None:
        self.folder, self.name, self.kind = folder, fingerprint[:16], kind
        self.path = folder / f"{self.name}-{rank}.jsonl"
        for other in folder.glob("*.jsonl"):
            if not other.name.startswith(f"{self.name}-"):
                other.unlink(missing_ok=True)

    def begin(self) -> dict[int, Done]:
        """What is done so far, by place; a torn last line of this process's file is cut off."""
        if self.path.is_file():
            os.truncate(self.path, sum(len(line) for line, _ in self._whole(self.path)))
        found = self.read()
        if found:
            logger.warning("%s: going on, %d answers are there from before", self.folder.name, len(found))
        return found

    def read(self) -> dict[int, Done]:
        """What all processes have done so far, by place."""
        paths = self.folder.glob(f"{self.name}-*.jsonl")
        return {place: done for path in paths for _, batch in self._whole(path) for place, done in batch.items()}

    def _whole(self, path: Path) -> Iterator[tuple[bytes, dict[int, Done]]]:
        """Lines up to the first that is not whole, each with its batch."""
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                return
            try:
                batch = {int(place): self.kind.model_validate(done) for place, done in json.loads(line).items()}
            except ValueError:
                return
            yield line, batch

    def add(self, places: Sequence[int], done: Sequence[Done]) -> None:
        """Keep the answers of one batch, synced to the disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = {place: record.model_dump() for place, record in zip(places, done, strict=True)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def fingerprint(model: Path, shaping: object) -> str:
    """Hash of the model's files (by size and time: they are big), the given value, library versions and this code."""
    stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(model.iterdir())]
    versions = [importlib.metadata.version(name) for name in ("torch", "transformers")]
    code = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256(json.dumps([stats, versions, code, repr(shaping)]).encode()).hexdigest()
