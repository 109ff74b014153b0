"""Concurrent work: results in the order of the items, and a clean end at a signal or an error."""

import asyncio
import logging
import signal
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from stages.chat_models.store import StoreError
from stages.core.errors import InputError

logger = logging.getLogger("chat model")

GRACE = 10.0
"""Seconds in which requests under way may still end when a fault that nobody foresaw ends the run."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Tasks = Collection[asyncio.Task[Any] | None]


async def in_order(
    items: Iterable[Item],
    work: Callable[[Item], Coroutine[Any, Any, Result]],
    *,
    workers: int,
    window: int,
    finish: Callable[[], Tasks],
) -> AsyncGenerator[list[Result], None]:
    """Work on many items at once, results in the order of the items, a bounded number of them in memory.

    Items are drawn as workers become free, at most ``window`` ahead of the next result. When work on one fails, or the
    caller leaves, no more items are drawn, the tasks that ``finish`` names are waited for and the others cancelled.
    """
    remaining = iter(items)
    waiting: deque[asyncio.Task[Result]] = deque()
    ended: deque[asyncio.Task[Result]] = deque()
    busy: set[asyncio.Task[Result]] = set()
    try:
        while True:
            while ended:
                busy.discard(task := ended.popleft())
                task.result()  # the first failure ends the work, also of an item further back
            for item in islice(remaining, max(min(workers - len(busy), window - len(waiting)), 0)):
                busy.add(task := asyncio.create_task(work(item)))
                task.add_done_callback(ended.append)
                waiting.append(task)
            if not busy and not waiting:
                return
            ready = []
            while waiting and waiting[0].done():
                ready.append(waiting.popleft().result())
            if ready:
                yield ready
            else:
                await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _wind_up(busy, finish, sys.exception())


async def _wind_up(busy: set[asyncio.Task[Result]], finish: Callable[[], Tasks], error: BaseException | None) -> None:
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


def drive(results: AsyncGenerator[Iterable[Result], None]) -> Generator[Result, None, None]:
    """The results one by one, on an event loop that runs while the next one is waited for.

    SIGINT or SIGTERM winds up the work and raises KeyboardInterrupt; another signal does so at once.
    """

    async def following() -> Iterable[Result] | None:
        return await anext(results, None)

    async def close() -> None:
        await results.aclose()

    with _signals_as_interrupts():
        runner = asyncio.Runner()
        try:
            while (ready := runner.run(following())) is not None:
                yield from ready
        finally:
            if not sys.is_finalizing():  # then no thread can be started, and the loop cannot be closed
                try:
                    # After a second signal it still runs, and nobody waits for it.
                    if not results.ag_running:  # type: ignore[attr-defined]  # of every generator, if not of its type
                        runner.run(close())
                finally:
                    runner.close()


@contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """Leave SIGINT to the runner, which cancels the step under way at the first, and have SIGTERM do the same."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
