"""A server that speaks OpenAI's API, behind the interface of a chat model."""

import asyncio
import logging
import operator
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from tqdm import tqdm

from stages.chat_models import ChatReply, ChatRequest, Check, Estimate, Outcome, Value, replies
from stages.chat_models.batches import Batches
from stages.chat_models.pacing import Clock, FormRefused, Unanswered
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.running import Tasks, drive, in_order
from stages.chat_models.sending import Sender
from stages.chat_models.store import Store, StoreError
from stages.core.errors import InputError

logger = logging.getLogger("chat model")

WINDOW = 64
"""Requests drawn ahead of the next outcome, for each one in flight, so that a slow one does not block the others."""
TOKENS_PER_BYTE = 0.25
"""Rough value for English under current tokenizers; replaced by that of stored replies."""
REFRESH_TERMINAL, REFRESH_FILE = 0.5, 30.0
"""Seconds between updates of the progress bar; a log file should get few lines."""


class ServedModel:
    """Asks a server; every answer is read from the store, so it is stored first."""

    def __init__(self, preset: OpenAIPreset, folder: Path, clock: Clock | None = None) -> None:
        self._preset, self._folder, self._clock = preset, folder, clock or Clock()

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Generator[Outcome[Value], None, None]:
        """As :meth:`ChatModel.ask`.

        Raises:
            InputError: Something must be asked and cannot be: what, and what to do. What was paid for is kept.
            KeyboardInterrupt: SIGINT or SIGTERM came; what the server was about to answer was waited for and stored,
                unless another signal came.
        """
        pause = REFRESH_TERMINAL if sys.stderr.isatty() else REFRESH_FILE
        bar = tqdm(total=operator.length_hint(requests, 0) or None, unit=" items", mininterval=pause, miniters=1)
        cached, failed, tokens, cost = 0, 0, 0, 0.0
        with bar, closing(drive(self._outcomes(requests, check))) as outcomes:
            for outcome in outcomes:
                new = () if outcome.cached else outcome.replies
                cached, failed = cached + outcome.cached, failed + (outcome.failure is not None)
                tokens += sum(reply.prompt_tokens + reply.completion_tokens for reply in new)
                cost += sum(map(self._preset.cost, new))
                bar.set_postfix_str(f"cached {cached}, failed {failed}, {tokens} tokens, ${cost:.4f}", refresh=False)
                bar.update()
                yield outcome

    def estimate(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Estimate:
        """Count what is stored and what is missing; tokens as in the stored replies, where there are any."""
        preset, total = self._preset, Counter[str]()
        session = Session(preset, self._folder, self._clock)
        with closing(session.store):
            for request in requests:
                outcome, missing = session.walk(request, check)
                size = replies.most_prompt_tokens(
                    replies.make_body(request, preset, replies.modes_for(request, preset)[0])
                )
                total.update(requests=1, missing=missing is not None, missing_bytes=size if missing else 0)
                for first in outcome.replies[:1]:
                    total.update(seen=1, seen_bytes=size)
                    total.update(prompt=first.prompt_tokens, completion=first.completion_tokens)
        missing_bytes, count = total["missing_bytes"], total["missing"]
        per_byte = total["prompt"] / total["seen_bytes"] if total["prompt"] else TOKENS_PER_BYTE
        prompt = round(missing_bytes * per_byte)
        completion = round(count * (total["completion"] / total["seen"] if total["seen"] else preset.token_limit))
        cost = partial(preset.prices.cost, batched=preset.batch)
        costs = cost(prompt, completion), cost(missing_bytes, count * preset.token_limit)
        return Estimate(total["requests"], total["requests"] - count, prompt, completion, *costs)

    async def _outcomes(
        self, requests: Iterable[ChatRequest], check: Check[Value]
    ) -> AsyncGenerator[Iterable[Outcome[Value]], None]:
        async with Session(self._preset, self._folder, self._clock) as session:
            asking = Batches(session, check).ask(requests) if self._preset.batch else session.ask(requests, check)
            async with aclosing(asking) as results:
                async for ready in results:
                    yield ready


class Session:
    """What is open while requests are asked: the store, and the server once something is missing."""

    def __init__(self, preset: OpenAIPreset, folder: Path, clock: Clock) -> None:
        self.preset, self.clock, self.store = preset, clock, Store(folder)
        self._refused: set[str] = set()
        self._open = AsyncExitStack()
        self._slots, self._connecting = asyncio.Semaphore(preset.in_flight), asyncio.Lock()
        self._sender: Sender | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with closing(self.store):
            await self.store.flush()
            await self._open.aclose()

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> AsyncGenerator[list[Outcome[Value]], None]:
        # Twice as many as may be in flight: some read and write while the others wait for the server.
        workers, window = 2 * self.preset.in_flight, WINDOW * self.preset.in_flight
        settle = partial(self._settle, check=check)
        return in_order(requests, settle, workers=workers, window=window, finish=self.finish)

    def walk(self, request: ChatRequest, check: Check[Value]) -> tuple[Outcome[Value], tuple[ChatRequest, str] | None]:
        """Replay a request's attempts from the store, up to the first reply that is missing.

        Returns the outcome so far, and the request to send with the key of its reply; None where nothing is missing.
        """
        outcome: Outcome[Value] = Outcome(request, None)
        asked = request
        for attempt in range(self.preset.attempts):
            # The key of the strictest form, whichever the server will turn out to know: the question is the same.
            strictest = replies.make_body(asked, self.preset, replies.modes_for(asked, self.preset)[0])
            key = replies.cache_key(strictest, self.preset.base_url, attempt)
            if (reply := self.store.get(key)) is None:
                return replace(outcome, cached=False), (asked, key)
            value, failure = replies.read(request, reply, check)
            outcome = Outcome(request, value, failure, (*outcome.replies, reply), cached=True)
            if failure is None:
                break
            asked = replies.repeated(request, reply, failure)
        return outcome, None

    async def fetch(self, key: str, ask: Callable[[], Awaitable[ChatReply]]) -> ChatReply:
        """The stored reply, or what ``ask`` brings, once it is stored; nobody else asks for the key meanwhile."""
        async with self.store.claimed(key):
            if (reply := self.store.get(key)) is not None:
                return reply
            async with self._slots:  # until it is stored: a kill loses no more than may be in flight
                try:
                    reply = await ask()
                    await self.store.keep(key, reply)
                except StoreError:
                    self.finish()  # those who wait for the slot would pay for what cannot be kept
                    raise
                finally:
                    if self._sender:
                        self._sender.on_the_wire.discard(asyncio.current_task())
                return reply

    def strictest(self, request: ChatRequest) -> str:
        """The strictest form of answer that the server was not seen to refuse."""
        return next(mode for mode in replies.modes_for(request, self.preset) if mode not in self._refused)

    def refuse(self, mode: str, message: str) -> None:
        """Use plainer forms of answer from now on; an InputError where the preset allows none."""
        told = f"{self.preset.base_url} does not know the form of answer {mode!r}"
        if self.preset.answers != "auto" or mode == "text":
            raise InputError(f"{told}: set the preset's answers to auto. The server says: {message}")
        if mode not in self._refused:
            logger.warning("%s: using a plainer one", told)
        self._refused.add(mode)

    async def send(self, body: dict[str, Any], endpoint: replies.Endpoint = replies.CHAT) -> ChatReply:
        return await (await self.sender()).send(body, endpoint)

    async def sender(self) -> Sender:
        """The way to the server, which is first asked for the model."""
        async with self._connecting:
            if self._sender is None:
                self._sender = await self._connect()
            return self._sender

    def finish(self) -> Tasks:
        """Send nothing more; the tasks that already have a request with the server, or a reply not stored yet."""
        return self._sender.finish() if self._sender else ()

    async def _connect(self) -> Sender:
        sender = await self._open.enter_async_context(Sender(self.preset, self.clock))
        await sender.preflight()
        return sender

    async def _settle(self, request: ChatRequest, check: Check[Value]) -> Outcome[Value]:
        """Ask until the request has a value or has failed for good."""
        outcome, missing = self.walk(request, check)
        cached = missing is None
        try:
            while missing:
                await self.fetch(missing[1], partial(self._ask, missing[0]))
                outcome, missing = self.walk(request, check)
        except Unanswered as error:
            outcome = replace(outcome, failure=str(error))
        return replace(outcome, cached=cached)

    async def _ask(self, request: ChatRequest) -> ChatReply:
        while True:
            mode = self.strictest(request)
            try:
                return await self.send(replies.make_body(request, self.preset, mode))
            except FormRefused as error:
                self.refuse(mode, str(error))
