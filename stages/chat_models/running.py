"""Much work at once on an event loop that cannot hang: results in order, and an end within seconds."""

import asyncio
import logging
import signal
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Generator, Iterable
from contextlib import suppress
from typing import Any, Generic, Self, TypeVar

from stages.chat_models.store import StoreError
from stages.core.errors import InputError

logger = logging.getLogger("chat model")

GRACE = 10.0
"""Seconds in which requests under way may still end when a fault that nobody foresaw ends the run."""
END = 5.0

Item = TypeVar("Item")
Result = TypeVar("Result")
Tasks = Collection[asyncio.Task[Any] | None]


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
        finish: Callable[[], Tasks],
    ) -> None:
        self._items, self._work, self._finish = iter(items), work, finish
        self._workers, self._window = workers, window
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
        finishing = self._busy & {task for task in self._finish() if task}
        for task in self._busy - finishing:
            task.cancel()
        if finishing:
            logger.warning("waiting for %d requests that the server already has", len(finishing))
            _, late = await asyncio.wait(finishing, timeout=seconds)
            for task in late:
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


def drive(
    step: Callable[[], Coroutine[Any, Any, Iterable[Result] | None]],
    wind_up: Callable[[float | None], Coroutine[Any, Any, None]],
    close: Callable[[], Coroutine[Any, Any, None]],
) -> Generator[Result, None, None]:
    """Results of steps, on an event loop that runs while the next result is waited for.

    Args:
        step: Gives the next results, None where there are no more.
        wind_up: Begins nothing more and waits for what cannot be undone, at most so many seconds; None: till it ends.
        close: Closes what is open.

    Raises:
        KeyboardInterrupt: SIGINT or SIGTERM came: the work was wound up, unless another signal came.
    """
    runner = asyncio.Runner()
    try:
        with _Signals(runner.get_loop()) as signals:
            try:
                while (ready := runner.run(signals.watch(step()))) is not None:
                    yield from ready
                signals.demand_none()
            except BaseException as error:
                signals.hard = True
                if not sys.is_finalizing():
                    foreseen = isinstance(error, InputError | KeyboardInterrupt) and not isinstance(error, StoreError)
                    runner.run(wind_up(None if foreseen else GRACE))
                raise
    finally:
        if not sys.is_finalizing():  # then no thread can be started, and the loop cannot be closed
            try:
                runner.run(_end(close))
            finally:
                runner.close()


async def _end(close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(END):
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await close()


class _Signals:
    """The first SIGINT or SIGTERM ends the step under way; another one raises KeyboardInterrupt at once.

    Attributes:
        hard: Whether the next signal raises.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None
        self._before: dict[int, Any] = {}
        self._came = self.hard = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    async def watch(self, step: Coroutine[Any, Any, Result]) -> Result | None:
        """The step's result; None where a signal came."""
        self._task = asyncio.ensure_future(step)
        if self._came:
            self._task.cancel()
        try:
            return await self._task
        except asyncio.CancelledError:
            if self._came:
                return None
            raise

    def demand_none(self) -> None:
        if self._came:
            raise KeyboardInterrupt

    def _handle(self, *_: object) -> None:
        if self.hard:
            raise KeyboardInterrupt
        self._came = self.hard = True
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())
