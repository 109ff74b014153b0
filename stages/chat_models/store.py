"""The store of replies: whatever was paid for, in SQLite, shared by all processes that ask.

A change counts as made once it is synced: neither ``kill -9`` nor a power loss takes what was stored. Beside the
replies stand the batches that were handed in. Claims are locks on single bytes of a file, so that two processes never
ask for the same thing: the kernel gives them back when a process ends, however it does.
"""

import asyncio
import fcntl
import json
import logging
import os
import sqlite3
import struct
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from pydantic import TypeAdapter, ValidationError

from stages.chat_models import ChatReply
from stages.core.errors import InputError

logger = logging.getLogger("replies")

SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (key BLOB PRIMARY KEY, reply TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batches (base_url TEXT, input_file TEXT, batch TEXT, PRIMARY KEY (base_url, input_file));
"""
COLUMNS = {"replies": ["key", "reply"], "batches": ["base_url", "input_file", "batch"]}
CLAIMS = "claims.lock"
"""It is there once a store has been set up."""
BUSY_SECONDS = 60.0
GATHER = 0.003
"""Seconds in which changes are gathered before one transaction, and one sync, for all of them."""
FIRST_POLL, LONGEST_POLL = 0.05, 1.0

Row = tuple[str, tuple[Any, ...]]
"""A statement and its values."""
NOTE = TypeAdapter(tuple[str, str | None])


class StoreError(InputError):
    """The store is damaged, or the disk is full or may not be written to. Every method of the store may raise it."""


class Store:
    """Replies by key (64 hexadecimal digits). Memory does not grow with their number."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.path = folder, folder / "replies.sqlite"
        self._here: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._waiting: list[Row] = []
        self._next: asyncio.Task[None] | None = None
        self._turn, self._writing = asyncio.Lock(), threading.Lock()
        with (folder / "setup.lock").open("w") as setup:
            fcntl.flock(setup, fcntl.LOCK_EX)
            with self._explained():
                # SQLite would begin anew in a file that lost its content, and remove what waits beside it.
                if (folder / CLAIMS).exists() and self.path.is_file() and not self.path.stat().st_size:
                    raise sqlite3.DatabaseError("it is empty")
                # Separate connections: a thread writes and syncs while replies are read.
                self._reader, self._writer = self._connect(), self._connect()
                self._reader.text_factory = bytes  # text that is damaged is told of, not raised
                self._writer.executescript(SCHEMA)
                found = {table: self._writer.execute(f"PRAGMA table_info({table})").fetchall() for table in COLUMNS}
                if {table: [name for _, name, *_ in columns] for table, columns in found.items()} != COLUMNS:
                    raise StoreError(
                        f"{self.path} is of another version of this project (its tables have other columns): go on with"
                        " that version, or move the file away and pay again for what it holds"
                    )
            self._claims = (folder / CLAIMS).open("w")
            self._take_over()

    def close(self) -> None:
        with self._writing:
            for one in (self._claims, self._reader, self._writer):
                one.close()

    def get(self, key: str) -> ChatReply | None:
        with self._explained():
            row = self._reader.execute("SELECT reply FROM replies WHERE key = ?", (bytes.fromhex(key),)).fetchone()
        try:
            return ChatReply.model_validate_json(row[0]) if row else None
        except ValidationError:
            logger.warning("%s: a reply is damaged; its request counts as not asked", self.path)
            return None

    def put(self, replies: Iterable[tuple[str, ChatReply]]) -> None:
        """Store replies by key; return once they are on the disk."""
        self._write(_row(key, reply) for key, reply in replies)

    async def keep(self, key: str, reply: ChatReply) -> None:
        """Return once the reply is on the disk; replies that come together share one sync."""
        self._waiting.append(_row(key, reply))
        await self.flush()

    async def flush(self) -> None:
        """Return once everything kept so far is on the disk."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._write_waiting())
        await asyncio.shield(self._next)

    async def _write_waiting(self) -> None:
        await asyncio.sleep(GATHER)
        async with self._turn:
            rows, self._waiting, self._next = self._waiting, [], None
            if rows:
                await asyncio.to_thread(self._write, rows)

    @asynccontextmanager
    async def claimed(self, key: str, waiting: str = "") -> AsyncIterator[None]:
        """Wait until nobody else, here or in another process, asks for the key. Look for a reply once inside.

        The key may stand for anything that one process at a time may do; ``waiting`` is logged where another does it.
        """
        pause, claims = FIRST_POLL, self._claims.fileno()
        async with self._here.setdefault(key, asyncio.Lock()):
            try:
                while not _set_lock(claims, fcntl.F_WRLCK, key):
                    if waiting:
                        logger.info("%s", waiting)
                        waiting = ""
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_POLL)
                yield
            finally:
                _set_lock(claims, fcntl.F_UNLCK, key)

    def batches(self, base_url: str) -> list[tuple[str, str | None]]:
        """Batches that were handed in and not collected: the server's ids of their input and of themselves.

        A batch's own id is None where it was about to be made and the server's answer may have been lost.
        """
        with self._explained():
            query = "SELECT input_file, batch FROM batches WHERE base_url = ?"
            rows = self._reader.execute(query, (base_url,)).fetchall()
        noted = []
        for row in rows:
            try:
                noted.append(NOTE.validate_python(row))
            except ValidationError:
                logger.warning("%s: the note of a batch is damaged, and is passed over", self.path)
        return noted

    def note_batch(self, *row: str | None) -> None:
        """Note the server's address, and its ids of a batch's input and of the batch itself, if that is known."""
        self._write([("INSERT OR REPLACE INTO batches VALUES (?, ?, ?)", row)])

    def forget_batch(self, *row: str) -> None:
        self._write([("DELETE FROM batches WHERE base_url = ? AND input_file = ?", row)])

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        return db

    def _write(self, rows: Iterable[Row]) -> None:
        with self._writing, self._explained(), self._writer:  # which commits, or rolls back
            self._writer.execute("BEGIN IMMEDIATE")
            for row in rows:
                self._writer.execute(*row)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            advice = "see that the disk has room and may be written to, then run again; what was stored before is kept"
            raise StoreError(f"{self.path} cannot be read or written ({error}): {advice}") from error
        except sqlite3.DatabaseError as error:
            advice = f"rescue it with `sqlite3 {self.path} .recover`, or move it away and pay again for what it holds"
            raise StoreError(f"{self.path} is damaged ({error}): {advice}") from error

    def _take_over(self) -> None:
        """Bring in what an earlier version of this project kept in files, once."""
        old = self.folder / "replies.jsonl"
        for path in [*self.folder.glob(old.name), *self.folder.glob("batches/[!.]*.json")]:
            try:
                lines = path.read_bytes().splitlines()
            except OSError as error:
                logger.warning("%s cannot be read, left out: %s", path, error)
                continue
            replies: list[Row] = []
            for number, line in enumerate(lines, start=1):
                try:
                    record = json.loads(line)
                    if path == old:
                        replies.append(_row(record["key"], ChatReply.model_validate(record["reply"])))
                    else:
                        self.note_batch(record["base_url"], record["input_file"], record["batch"])
                except (ValueError, TypeError, KeyError, RecursionError, StoreError):
                    logger.warning("%s, line %d: damaged, left out", path, number)
            self._write(replies)
            path.rename(f"{path}.taken-over")
            logger.info("%s: took over what %s held", self.path, path)


def _row(key: str, reply: ChatReply) -> Row:
    values = (bytes.fromhex(key), reply.model_dump_json(exclude_defaults=True))
    return "INSERT OR REPLACE INTO replies VALUES (?, ?)", values


def _set_lock(descriptor: int, kind: int, key: str) -> bool:
    """Lock or free the byte of a file that stands for a key; False where another open file holds its lock."""
    place = int(key[:15], 16)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, place, 1, 0))
    except BlockingIOError:
        return False
    return True
