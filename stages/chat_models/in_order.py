"""Much work at once, results in the order of the items, a bounded number of them in memory."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class InOrder(Generic[Item, Result]):
    """Results of ``work`` on each item, in order, as lists of those that are ready.

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
            self._fill()
            while self._waiting:
                await self._changed.wait()
                self._changed.clear()
                if self._error:
                    raise self._error
                if ready := self._take_ready():
                    yield ready
                self._fill()
        finally:
            await self._wind_up()

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

    def _take_ready(self) -> list[Result]:
        ready = []
        while self._waiting and self._waiting[0].done():
            ready.append(self._waiting.popleft().result())
        return ready

    async def _wind_up(self) -> None:
        if self._busy:
            finishing = self._finish()
            for task in [task for task in self._busy if task not in finishing]:
                task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
