"""A server that speaks OpenAI's API, behind the interface of a chat model."""

import asyncio
import logging
import operator
import signal
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, Iterable
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from tqdm import tqdm

from stages.chat_models.batches import Batches
from stages.chat_models.interface import ChatReply, ChatRequest, Check, Estimate, Outcome, Value
from stages.chat_models.pacing import Clock
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.replies import (
    CHAT,
    Endpoint,
    cache_key,
    make_body,
    modes_for,
    most_prompt_tokens,
    read,
    repeated,
)
from stages.chat_models.sending import FormRefused, Sender, Unanswered
from stages.chat_models.store import Store, StoreError
from stages.errors import InputError

logger = logging.getLogger("chat model")

WINDOW = 64
"""Requests drawn ahead of the next outcome, for each one in flight: one that hangs need not hold up the others."""
GRACE = 10.0
"""Seconds in which requests under way may still end when a fault that nobody foresaw ends the run."""
END = 5.0
TOKENS_PER_BYTE = 0.25
"""Of English under current tokenizers, roughly; stored replies say it better."""
REFRESH_TERMINAL, REFRESH_FILE = 0.5, 30.0
"""Seconds between two drawings of the progress bar; a log file wants few lines."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class ServedModel:
    """Asks a server; every answer is read from the store, so it is stored first."""

    def __init__(self, preset: OpenAIPreset, folder: Path, clock: Clock | None = None) -> None:
        self._preset = preset
        self._folder = folder
        self._clock = clock or Clock()

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Generator[Outcome[Value], None, None]:
        """As :meth:`ChatModel.ask`.

        Raises:
            InputError: Something must be asked and cannot be: what, and what to do. What was paid for is kept.
            KeyboardInterrupt: SIGINT or SIGTERM came; what the server was about to answer was waited for and stored,
                unless another signal came.
        """
        total = operator.length_hint(requests, 0)
        with closing(Session(self._preset, self._folder, self._clock)) as session:
            work: Work[Outcome[Value]] = (
                Batches(session, requests, check) if self._preset.batch else session.in_order(requests, check)
            )
            with _Progress(self._preset, total) as progress, closing(_drive(work, session)) as outcomes:
                for outcome in outcomes:
                    progress.count(outcome)
                    yield outcome

    def estimate(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Estimate:
        """Count what is stored and what is missing; tokens as in the stored replies, where there are any."""
        preset = self._preset
        count = missing = missing_bytes = seen_bytes = seen_prompt = seen_completion = seen = 0
        with closing(Session(preset, self._folder, self._clock)) as session:
            for request in requests:
                walk = session.walk(request, check)
                size = most_prompt_tokens(make_body(request, preset, modes_for(request, preset)[0]))
                count += 1
                if walk.replies:
                    seen, seen_bytes = seen + 1, seen_bytes + size
                    seen_prompt += walk.replies[0].prompt_tokens
                    seen_completion += walk.replies[0].completion_tokens
                if walk.missing:
                    missing, missing_bytes = missing + 1, missing_bytes + size
        prompt = round(missing_bytes * (seen_prompt / seen_bytes if seen_prompt else TOKENS_PER_BYTE))
        completion = round(missing * (seen_completion / seen if seen else preset.token_limit))
        return Estimate(
            requests=count,
            cached=count - missing,
            prompt_tokens=prompt,
            completion_tokens=completion,
            cost=preset.prices.cost(prompt, completion, batched=preset.batch),
            cost_at_most=preset.prices.cost(missing_bytes, missing * preset.token_limit, batched=preset.batch),
        )


class _Progress:
    """A bar: done, cached, failed, tokens, cost; the bar itself shows the rate."""

    def __init__(self, preset: OpenAIPreset, total: int) -> None:
        self._preset = preset
        self._cached = self._failed = self._tokens = 0
        self._cost = 0.0
        pause = REFRESH_TERMINAL if sys.stderr.isatty() else REFRESH_FILE
        self._bar = tqdm(total=total or None, unit=" items", mininterval=pause, miniters=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def count(self, outcome: Outcome[Any]) -> None:
        self._cached += outcome.cached
        self._failed += outcome.failure is not None
        if not outcome.cached:
            self._tokens += sum(reply.prompt_tokens + reply.completion_tokens for reply in outcome.replies)
            self._cost += sum(self._preset.cost(reply) for reply in outcome.replies)
        counts = f"cached {self._cached}, failed {self._failed}, {self._tokens} tokens, ${self._cost:.4f}"
        self._bar.set_postfix_str(counts, refresh=False)
        self._bar.update()


@dataclass(frozen=True)
class Missing:
    """A request that is to be sent, and the key that its reply will be stored under."""

    request: ChatRequest
    key: str


@dataclass(frozen=True)
class Walk(Generic[Value]):
    """As far as stored replies lead: a value or a final failure, or what is missing."""

    replies: tuple[ChatReply, ...]
    value: Value | None
    failure: str | None
    missing: Missing | None


class Session:
    """What is open while requests are asked: the store, and the server once something is missing.

    Attributes:
        refused: Forms of answer that the server does not know.
    """

    def __init__(self, preset: OpenAIPreset, folder: Path, clock: Clock) -> None:
        self.preset, self.clock = preset, clock
        self.store = Store(folder)
        self.refused: set[str] = set()
        self._open = AsyncExitStack()
        self._connecting = asyncio.Lock()
        self._sender: Sender | None = None

    def close(self) -> None:
        self.store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()
        self.close()

    async def disconnect(self) -> None:
        await self.store.flush()
        await self._open.aclose()

    def in_order(self, requests: Iterable[ChatRequest], check: Check[Value]) -> "InOrder[ChatRequest, Outcome[Value]]":
        async def settle(request: ChatRequest) -> Outcome[Value]:
            return await self.settle(request, check)

        # Twice as many as may be in flight: some read and write while the others wait for the server.
        workers, window = 2 * self.preset.in_flight, WINDOW * self.preset.in_flight
        return InOrder(requests, settle, workers=workers, window=window, finish=self.finish)

    def walk(self, request: ChatRequest, check: Check[Value]) -> Walk[Value]:
        """Follow the attempts at a request, each of which asks after what came before."""
        replies: tuple[ChatReply, ...] = ()
        failure: str | None = None
        asked = request
        for attempt in range(self.preset.attempts):
            # The key of the strictest form, whichever the server will turn out to know: the question is the same.
            strictest = make_body(asked, self.preset, modes_for(asked, self.preset)[0])
            key = cache_key(strictest, self.preset.base_url, attempt)
            if (reply := self.store.get(key)) is None:
                return Walk(replies, None, failure, Missing(asked, key))
            replies += (reply,)
            value, failure = read(request, reply, check)
            if failure is None:
                return Walk(replies, value, None, None)
            asked = repeated(request, reply, failure)
        return Walk(replies, None, failure, None)

    async def settle(self, request: ChatRequest, check: Check[Value]) -> Outcome[Value]:
        """Ask until the request has a value or has failed for good."""
        cached = True
        while missing := (walk := self.walk(request, check)).missing:
            cached = False
            try:
                await self.fetch(missing.key, partial(self._ask, missing.request))
            except Unanswered as error:
                return Outcome(request, None, str(error), walk.replies)
        return Outcome(request, walk.value, walk.failure, walk.replies, cached)

    async def fetch(self, key: str, ask: Callable[[], Awaitable[ChatReply]]) -> ChatReply:
        """The stored reply, or what ``ask`` brings, once it is stored; nobody else asks for the key meanwhile."""
        async with self.store.claimed(key):
            if (reply := self.store.get(key)) is None:
                try:
                    reply = await ask()
                    await self.store.keep(key, reply)
                finally:
                    if self._sender:
                        self._sender.on_the_wire.discard(asyncio.current_task())
            return reply

    def strictest(self, request: ChatRequest) -> str:
        return next(mode for mode in modes_for(request, self.preset) if mode not in self.refused)

    def refuse(self, mode: str, message: str) -> None:
        """The server does not know a form of answer; plainer ones are used from now on.

        Raises:
            InputError: There is no plainer one that the preset allows.
        """
        url = self.preset.base_url
        if self.preset.answers != "auto" or mode == "text":
            raise InputError(
                f"{url} does not know the form of answer {mode!r}: set the preset's answers to auto."
                f" The server says: {message}"
            )
        if mode not in self.refused:
            logger.warning("%s does not know the form of answer %r: using a plainer one", url, mode)
        self.refused.add(mode)

    async def send(self, body: dict[str, Any], endpoint: Endpoint = CHAT) -> ChatReply:
        return await (await self.sender()).send(body, endpoint)

    async def sender(self) -> Sender:
        """The way to the server, which is first asked for the model."""
        async with self._connecting:
            if self._sender is None:
                self._sender = await self._connect()
            return self._sender

    def finish(self) -> Collection[asyncio.Task[Any]]:
        """Send nothing more; the tasks that already have a request with the server."""
        if self._sender is None:
            return ()
        self._sender.stopping = self._sender.stopping or InputError("stopped")
        return set(self._sender.on_the_wire)

    async def _connect(self) -> Sender:
        sender = await self._open.enter_async_context(Sender(self.preset, self.clock))
        await sender.preflight()
        return sender

    async def _ask(self, request: ChatRequest) -> ChatReply:
        while True:
            mode = self.strictest(request)
            try:
                return await self.send(make_body(request, self.preset, mode))
            except FormRefused as error:
                self.refuse(mode, str(error))


class Work(Protocol[Result]):  # type: ignore[misc]
    """Something that brings results in order."""

    async def step(self) -> Iterable[Result] | None:
        """The next results; None where there are no more."""
        ...

    async def wind_up(self, seconds: float | None) -> None:
        """Begin nothing more, and wait so long for what cannot be undone; None for as long as it takes."""
        ...


class InOrder(Generic[Item, Result]):
    """Work on many items at once, results in the order of the items, a bounded number of them in memory.

    Items are drawn as workers become free, at most ``window`` ahead of the next result. When work on one fails, or the
    caller leaves, no more items are drawn, the tasks that ``finish`` names are waited for and the others cancelled.
    """

    def __init__(
        self,
        items: Iterable[Item],
        work: Callable[[Item], Awaitable[Result]],
        *,
        workers: int,
        window: int,
        finish: Callable[[], Collection[asyncio.Task[Any]]],
    ) -> None:
        self._items = iter(items)
        self._work = work
        self._workers = workers
        self._window = window
        self._finish = finish
        self._waiting: deque[asyncio.Future[Result]] = deque()
        self._busy: set[asyncio.Future[Result]] = set()
        self._changed = asyncio.Event()
        self._error: BaseException | None = None

    async def results(self) -> AsyncGenerator[list[Result], None]:
        try:
            while (ready := await self.step()) is not None:
                yield ready
        finally:
            await self.wind_up(None)

    async def step(self) -> list[Result] | None:
        """The results that are ready, at least one; None where all were given."""
        self._fill()
        while self._waiting:
            if self._error:
                raise self._error
            ready = []
            while self._waiting and self._waiting[0].done():
                ready.append(self._waiting.popleft().result())
            if ready:
                return ready
            await self._changed.wait()
            self._changed.clear()
            self._fill()
        return None

    async def wind_up(self, seconds: float | None) -> None:
        """Wait for the tasks that must finish, at most so many seconds, and cancel the others."""
        finishing = [task for task in self._busy if task in self._finish()]
        for task in [task for task in self._busy if task not in finishing]:
            task.cancel()
        if finishing:
            logger.warning("waiting for %d requests that the server already has", len(finishing))
            await asyncio.wait(finishing, timeout=seconds)
            for task in finishing:
                task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    def _fill(self) -> None:
        while len(self._busy) < self._workers and len(self._waiting) < self._window:
            try:
                item = next(self._items)
            except StopIteration:
                return
            task = asyncio.ensure_future(self._work(item))
            task.add_done_callback(self._done)
            self._busy.add(task)
            self._waiting.append(task)

    def _done(self, task: asyncio.Future[Result]) -> None:
        self._busy.discard(task)
        if not task.cancelled() and task.exception():
            self._error = self._error or task.exception()
        self._changed.set()


def _drive(work: Work[Result], session: Session) -> Generator[Result, None, None]:
    """Results of work on an event loop that runs while the next result is waited for.

    However the reading of results ends, the loop ends within seconds, but for what the server already has.
    """
    runner = asyncio.Runner()
    try:
        with _Signals(runner.get_loop()) as signals:
            try:
                while (ready := runner.run(signals.step(work))) is not None:
                    yield from ready
                if signals.came:
                    raise KeyboardInterrupt
            except BaseException as error:
                signals.hard = True
                if not sys.is_finalizing():
                    foreseen = isinstance(error, InputError | KeyboardInterrupt) and not isinstance(error, StoreError)
                    runner.run(work.wind_up(None if foreseen else GRACE))
                raise
    finally:
        if not sys.is_finalizing():  # then no thread can be started, and the loop cannot be closed
            try:
                runner.run(_end(session))
            finally:
                runner.close()


async def _end(session: Session) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(END):
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await session.disconnect()


class _Signals:
    """The first SIGINT or SIGTERM ends the step under way; another one raises KeyboardInterrupt at once.

    Attributes:
        came: Whether there was one.
        hard: Whether the next one raises.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None
        self._before: dict[int, Any] = {}
        self.came = self.hard = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    async def step(self, work: Work[Result]) -> Iterable[Result] | None:
        """The work's next step; None also where a signal came."""
        self._task = asyncio.current_task()
        try:
            return None if self.came else await work.step()
        except asyncio.CancelledError:
            if self.came:
                return None
            raise
        finally:
            self._task = None

    def _handle(self, *_: object) -> None:
        if self.hard:
            raise KeyboardInterrupt
        self.came = self.hard = True
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())
