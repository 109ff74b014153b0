"""A server that speaks OpenAI's API, behind the interface of a chat model."""

import asyncio
import logging
import operator
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing, closing
from pathlib import Path
from typing import Any, Self

from stages.chat_models.bodies import CHAT, Endpoint, make_body
from stages.chat_models.claims import Claims
from stages.chat_models.connection import Connection
from stages.chat_models.estimating import estimate
from stages.chat_models.forms import Forms
from stages.chat_models.in_order import InOrder
from stages.chat_models.interface import ChatReply, ChatRequest, Check, Estimate, Outcome, Value
from stages.chat_models.pacing import Clock
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.progress import Progress
from stages.chat_models.replies import Missing, Replies
from stages.chat_models.sender import FormRefused, Sender, Unanswered
from stages.errors import InputError

logger = logging.getLogger("chat model")

WINDOW = 64
"""Requests drawn ahead of the next outcome, for each one in flight: one that hangs need not hold up the others."""


class ServedModel:
    """Asks a server, through the durable request cache; everything is read from there, so it is there first."""

    def __init__(self, preset: OpenAIPreset, folder: Path, clock: Clock | None = None) -> None:
        self._preset = preset
        self._folder = folder
        self._clock = clock or Clock()

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Iterator[Outcome[Value]]:
        """As :meth:`ChatModel.ask`.

        Raises:
            InputError: Something must be asked and cannot be: what, and what to do. What was paid for is kept.
        """
        total = operator.length_hint(requests, 0)
        with asyncio.Runner() as runner, Progress(self._preset, total) as progress:
            outcomes = self._outcomes(requests, check, progress)

            async def step() -> list[Outcome[Value]]:
                return await anext(outcomes, [])

            try:
                while ready := runner.run(step()):
                    yield from ready
            finally:
                runner.run(_close(outcomes))

    def estimate(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Estimate:
        replies = Replies(self._preset, self._folder)
        with closing(replies.cache):
            return estimate(requests, check, replies, self._preset)

    async def _outcomes(
        self, requests: Iterable[ChatRequest], check: Check[Value], progress: Progress
    ) -> AsyncGenerator[list[Outcome[Value]], None]:
        async with Asking(self._preset, self._folder, self._clock) as asking:

            async def settle(request: ChatRequest) -> Outcome[Value]:
                outcome = await asking.settle(request, check)
                progress.count(outcome)
                return outcome

            work = InOrder(
                requests,
                settle,
                # Twice as many as may be in flight: some read and write while the others wait for the server.
                workers=2 * self._preset.in_flight,
                window=WINDOW * self._preset.in_flight,
                finish=asking.finish,
            )
            async with aclosing(work.results()) as results:
                async for ready in results:
                    yield ready


class Asking:
    """What is open while requests are asked: cache, claims, and the connection once something is missing."""

    def __init__(self, preset: OpenAIPreset, folder: Path, clock: Clock) -> None:
        self._preset = preset
        self._clock = clock
        self._open = AsyncExitStack()
        self._replies = Replies(preset, folder)
        self._open.callback(self._replies.cache.close)
        self._claims = Claims(folder)
        self._open.callback(self._claims.close)
        self._connecting = asyncio.Lock()
        self._sender: Sender | None = None
        self._forms = Forms(preset)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def settle(self, request: ChatRequest, check: Check[Value]) -> Outcome[Value]:
        """Ask until the request has a value or has failed for good."""
        cached = True
        while (walk := self._replies.walk(request, check)).missing:
            cached = False
            try:
                await self._ask(walk.missing)
            except Unanswered as error:
                return Outcome(request, None, str(error), walk.replies)
        return Outcome(request, walk.value, walk.failure, walk.replies, cached)

    def finish(self) -> Collection[asyncio.Task[Any]]:
        """Begin nothing more; the tasks that already have a request with the server."""
        if self._sender is None:
            return ()
        self._sender.stopping = self._sender.stopping or InputError("stopped")
        if under_way := set(self._sender.on_the_wire):
            logger.warning("waiting for %d requests that the server already has", len(under_way))
        return under_way

    async def _ask(self, missing: Missing) -> None:
        """See to it that the cache holds a reply to the request."""
        async with self._claims.held(missing.key):
            while self._replies.cache.look_again(missing.key) is None:
                mode = self._forms.strictest(missing.request)
                try:
                    reply = await self._send(make_body(missing.request, self._preset, mode))
                except FormRefused as error:
                    self._forms.refuse(mode, str(error))
                else:
                    await self._replies.keep(missing.key, reply)

    async def _send(self, body: dict[str, Any], endpoint: Endpoint = CHAT) -> ChatReply:
        async with self._connecting:
            if self._sender is None:
                self._sender = await self._connect()
        return await self._sender.send(body, endpoint)

    async def _connect(self) -> Sender:
        connection = await self._open.enter_async_context(Connection(self._preset))
        sender = Sender(connection, self._clock)
        await sender.preflight()
        return sender


async def _close(outcomes: Any) -> None:
    await outcomes.aclose()
