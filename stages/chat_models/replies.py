"""What the request cache holds for a request, and what is to be asked next."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from stages.chat_models.bodies import cache_key, make_body, modes_for
from stages.chat_models.interface import ChatReply, ChatRequest, Check, Value
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.reading import read, repeated
from stages.chat_models.request_cache import RequestCache

GATHER = 0.003
"""Seconds in which replies are gathered before one sync for all of them."""


@dataclass(frozen=True)
class Missing:
    """A request that is to be sent, and the key that its reply will be kept under."""

    request: ChatRequest
    key: str


@dataclass(frozen=True)
class Walk(Generic[Value]):
    """As far as the cache leads: a value or a final failure, or what is missing."""

    replies: tuple[ChatReply, ...]
    value: Value | None
    failure: str | None
    missing: Missing | None


class Replies:
    """The request cache seen through a preset."""

    def __init__(self, preset: OpenAIPreset, folder: Path) -> None:
        self._preset = preset
        self.cache = RequestCache(folder)
        self._unsynced: list[asyncio.Future[None]] = []
        self._syncing: asyncio.Task[None] | None = None

    def walk(self, request: ChatRequest, check: Check[Value]) -> Walk[Value]:
        """Follow the attempts at a request, each of which asks after what came before."""
        replies: tuple[ChatReply, ...] = ()
        failure: str | None = None
        asked = request
        for attempt in range(self._preset.attempts):
            key = self._key(asked, attempt)
            reply = self.cache.get(key)
            if reply is None:
                return Walk(replies, None, failure, Missing(asked, key))
            replies += (reply,)
            value, failure = read(request, reply, check)
            if failure is None:
                return Walk(replies, value, None, None)
            asked = repeated(request, reply, failure)
        return Walk(replies, None, failure, None)

    async def keep(self, key: str, reply: ChatReply) -> None:
        """Return once the reply is on the disk; replies that come together share one sync."""
        self.cache.put(key, reply)
        synced = asyncio.get_running_loop().create_future()
        self._unsynced.append(synced)
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._sync())
        await synced

    def _key(self, request: ChatRequest, attempt: int) -> str:
        # Of the strictest form, whichever the server will turn out to know: the question is the same.
        strictest = make_body(request, self._preset, modes_for(request, self._preset)[0])
        return cache_key(strictest, self._preset.base_url, attempt)

    async def _sync(self) -> None:
        while self._unsynced:
            await asyncio.sleep(GATHER)
            batch, self._unsynced = self._unsynced, []
            error: OSError | None = None
            try:
                await asyncio.to_thread(self.cache.sync)
            except OSError as failed:
                error = failed
            for waiter in batch:
                if waiter.done():  # cancelled
                    continue
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)
