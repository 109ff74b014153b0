"""Which batches have been handed in and not yet collected: kept on the disk, as a batch may take a day."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stages.files import WRITING, json_line, write_text

logger = logging.getLogger("batches")


class OpenBatch(BaseModel):
    """A batch that was handed in, or was about to be.

    Attributes:
        input_file: The server's id of the requests; written down before the batch is made, so that a batch whose own
            id was lost can be found by it.
    """

    model_config = ConfigDict(extra="forbid")

    base_url: str
    input_file: str
    batch: str | None = None


class OpenBatches:
    """One small file for each open batch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "batches"
        self.folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def only_here(self) -> Iterator[None]:
        """Wait until no other process hands in or collects: two would hand in the same requests."""
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                logger.info("another process is waiting for its batches: waiting for it to end")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def of(self, base_url: str) -> list[OpenBatch]:
        whole = [path for path in sorted(self.folder.glob("*.json")) if not path.name.startswith(WRITING)]
        kept = [OpenBatch.model_validate_json(path.read_text()) for path in whole]
        return [one for one in kept if one.base_url == base_url]

    def keep(self, one: OpenBatch) -> None:
        write_text(self._path(one), json_line(one))

    def forget(self, one: OpenBatch) -> None:
        self._path(one).unlink(missing_ok=True)

    def _path(self, one: OpenBatch) -> Path:
        return self.folder / f"{one.input_file}.json"
