"""Concurrent work: results in the order of the items, and a clean end at a signal or an error."""

import asyncio
import logging
import signal
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Generator, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from stages.chat_models.store import StoreError
from stages.core.errors import InputError

logger = logging.getLogger("chat model")

GRACE = 10.0
"""Seconds in which requests under way may still end when a fault that nobody foresaw ends the run."""
END = 5.0

Item = TypeVar("Item")
Result = TypeVar("Result")
Tasks = Collection[asyncio.Task[Any] | None]


async def in_order(
    items: Iterable[Item],
    work: Callable[[Item], Awaitable[Result]],
    *,
    workers: int,
    window: int,
    finish: Callable[[], Tasks],
) -> AsyncGenerator[list[Result], None]:
    """Work on many items at once, results in the order of the items, a bounded number of them in memory.

    Items are drawn as workers become free, at most ``window`` ahead of the next result. When work on one fails, or the
    caller leaves, no more items are drawn, the tasks that ``finish`` names are waited for and the others cancelled.
    """
    remaining, changed = iter(items), asyncio.Event()
    waiting: deque[asyncio.Future[Result]] = deque()
    busy: set[asyncio.Future[Result]] = set()
    errors: list[BaseException] = []

    def done(task: asyncio.Future[Result]) -> None:
        busy.discard(task)
        if not task.cancelled() and (error := task.exception()):
            errors.append(error)
        changed.set()

    def fill() -> None:
        while len(busy) < workers and len(waiting) < window:
            try:
                item = next(remaining)
            except StopIteration:
                return
            task = asyncio.ensure_future(work(item))
            task.add_done_callback(done)
            busy.add(task)
            waiting.append(task)

    try:
        fill()
        while waiting:
            if errors:
                raise errors[0]
            ready = []
            while waiting and waiting[0].done():
                ready.append(waiting.popleft().result())
            if ready:
                yield ready
            else:
                await changed.wait()
                changed.clear()
            fill()
    finally:
        await _wind_up(busy, finish, sys.exception())


async def _wind_up(busy: set[asyncio.Future[Result]], finish: Callable[[], Tasks], error: BaseException | None) -> None:
    """Wait for the tasks that must finish, for a while only where a fault was not foreseen, and cancel the others."""
    foreseen = isinstance(error, InputError | asyncio.CancelledError) and not isinstance(error, StoreError)
    finishing = busy & {task for task in finish() if task}
    try:
        for task in busy - finishing:
            task.cancel()
        if finishing:
            logger.warning("waiting for %d requests that the server already has", len(finishing))
            await asyncio.wait(finishing, timeout=None if foreseen else GRACE)
    finally:
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


def drive(
    results: AsyncGenerator[Iterable[Result], None], close: Callable[[], Coroutine[Any, Any, None]]
) -> Generator[Result, None, None]:
    """The results one by one, on an event loop that runs while the next one is waited for.

    Args:
        results: Winds up what cannot be undone when it is cancelled or closed.
        close: Closes what is open.

    Raises:
        KeyboardInterrupt: SIGINT or SIGTERM came: the work was wound up, unless another signal came.
    """
    runner = asyncio.Runner()
    signals = _Signals(runner.get_loop())
    try:
        while (ready := runner.run(signals.watch(anext(results, None)))) is not None:
            yield from ready
    except asyncio.CancelledError:  # by a signal; a task that raises KeyboardInterrupt would stop the loop
        raise KeyboardInterrupt from None
    finally:
        if not sys.is_finalizing():  # then no thread can be started, and the loop cannot be closed
            try:
                if not isinstance(sys.exception(), KeyboardInterrupt):  # after which it is closed, or nobody waits
                    runner.run(_close(results))
            finally:
                try:
                    runner.run(_end(close))
                finally:
                    runner.close()


async def _close(results: AsyncGenerator[Any, None]) -> None:
    await results.aclose()


async def _end(close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(END):
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await close()


class _Signals:
    """The first SIGINT or SIGTERM cancels the step under way; any other raises KeyboardInterrupt at once.

    One that comes between two steps is seen when the loop runs again. The loop's end gives the signals back.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._step: asyncio.Task[Any] | None = None
        self._came = False
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._handle)

    async def watch(self, step: Awaitable[Result]) -> Result:
        self._step = asyncio.current_task()
        try:
            return await step
        finally:
            self._step = None

    def _handle(self) -> None:
        if self._came or self._step is None:
            raise KeyboardInterrupt
        self._came = True
        self._step.cancel()
