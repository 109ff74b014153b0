"""Who is asking for what: no request is under way twice, in this process or in another that shares the cache."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from stages.chat_models.request_cache import fingerprint

FIRST_POLL, LONGEST_POLL = 0.05, 1.0


class Claims:
    """Claims by key. A process that dies, however it does, leaves none behind: they are locks of the kernel's."""

    def __init__(self, folder: Path) -> None:
        # One byte of this empty file, far beyond its end, stands for each key.
        self._file = os.open(folder / "claims", os.O_RDWR | os.O_CREAT, 0o644)
        self._here: dict[str, asyncio.Event] = {}

    def close(self) -> None:
        os.close(self._file)

    @asynccontextmanager
    async def held(self, key: str) -> AsyncIterator[None]:
        """Wait until nobody else asks for the key; look into the cache again once inside."""
        while (other := self._here.get(key)) is not None:
            await other.wait()
        self._here[key] = done = asyncio.Event()
        try:
            await self._lock(fingerprint(key))
            yield
        finally:
            with suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, fingerprint(key))
            del self._here[key]
            done.set()

    async def _lock(self, place: int) -> None:
        pause = FIRST_POLL
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_POLL)
            else:
                return
