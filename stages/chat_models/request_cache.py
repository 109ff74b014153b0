"""The durable request cache: whatever was paid for, one line a reply, appended and never changed.

A line is written in one call under a lock that other processes respect, so that several may share the file. A kill
during that call leaves at most an unfinished last line, which the next process that writes or opens cuts off.
"""

import fcntl
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from stages.chat_models.interface import ChatReply
from stages.chat_models.offset_table import OffsetTable

logger = logging.getLogger("request cache")

LINE = re.compile(rb'\{"key": "([0-9a-f]{64})", .*\}$')
BLOCK = 1 << 20


def fingerprint(key: str) -> int:
    return int(key[:16], 16) >> 1


class RequestCache:
    """Replies by key (64 hexadecimal digits); the index is held in memory, the replies are not."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "replies.jsonl"
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        _sync_folder(folder)
        self._table = OffsetTable()
        self._end = 0
        with self._locked():
            self._catch_up()

    def close(self) -> None:
        os.close(self._file)

    def __len__(self) -> int:
        return len(self._table)

    def get(self, key: str) -> ChatReply | None:
        for offset in self._table.offsets(fingerprint(key)):
            try:
                record = json.loads(self._line(offset))
                if record["key"] == key:
                    return ChatReply.model_validate(record["reply"])
            except (ValueError, ValidationError, KeyError, TypeError):
                logger.warning("%s: the line at byte %d is damaged; its request counts as not asked", self.path, offset)
        return None

    def look_again(self, key: str) -> ChatReply | None:
        """As :meth:`get`, with what other processes have written since."""
        if os.fstat(self._file).st_size != self._end:
            with self._locked():
                self._catch_up()
        return self.get(key)

    def put(self, key: str, reply: ChatReply) -> None:
        """Append a reply: it outlives this process at once, and a power loss after :meth:`sync`."""
        record = {"key": key, "reply": reply.model_dump(exclude_defaults=True)}
        line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        with self._locked():
            self._catch_up()
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError(f"{self.path}: only {written} of {len(line)} bytes could be written: is the disk full?")
            self._table.add(fingerprint(key), self._end)
            self._end += len(line)

    def sync(self) -> None:
        """Return once all that was put is on the disk."""
        os.fsync(self._file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _catch_up(self) -> None:
        """Index what was appended since the last look; cut off an unfinished last line. Only under the lock."""
        size = os.fstat(self._file).st_size
        unfinished = b""
        while self._end + len(unfinished) < size:
            block = unfinished + os.pread(self._file, BLOCK, self._end + len(unfinished))
            *lines, unfinished = block.split(b"\n")
            for line in lines:
                self._index(line)
                self._end += len(line) + 1
        if unfinished:
            logger.warning("%s: dropped an unfinished last line of %d bytes", self.path, len(unfinished))
            os.ftruncate(self._file, self._end)

    def _index(self, line: bytes) -> None:
        if whole := LINE.match(line):
            self._table.add(fingerprint(whole[1].decode()), self._end)
        else:
            logger.warning("%s: skipped a damaged line at byte %d", self.path, self._end)

    def _line(self, offset: int) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            block = os.pread(self._file, 1 << 12, offset + len(line))
            if not block:
                break
            line += block.partition(b"\n")[0] + (b"\n" if b"\n" in block else b"")
        return line


def _sync_folder(folder: Path) -> None:
    # A new file's name is durable only once its folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
