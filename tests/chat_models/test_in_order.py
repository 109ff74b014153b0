import asyncio
from collections.abc import Collection, Iterable
from typing import Any

import pytest

from stages.chat_models.in_order import InOrder


def collect(work: Any, items: Iterable[int], workers: int = 4, window: int = 8, finish: Any = tuple) -> list[int]:
    async def main() -> list[int]:
        ordered = InOrder(items, work, workers=workers, window=window, finish=finish)
        return [result async for ready in ordered.results() for result in ready]

    return asyncio.run(main())


def test_results_come_in_the_order_of_the_items() -> None:
    async def work(item: int) -> int:
        await asyncio.sleep(0.01 * (item % 3 == 0))
        return item * item

    assert collect(work, range(50)) == [item * item for item in range(50)]
    assert collect(work, []) == []


def test_no_more_work_is_under_way_than_there_are_workers() -> None:
    under_way, most = 0, 0

    async def work(item: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return item

    collect(work, range(40), workers=5, window=100)
    assert most == 5


def test_a_slow_item_does_not_stop_the_others_before_the_window_ends() -> None:
    done: list[int] = []

    async def work(item: int) -> int:
        await asyncio.sleep(0.1 if item == 0 else 0)
        done.append(item)
        return item

    collect(work, range(20), workers=2, window=8)
    assert done.index(0) == 7


def test_an_error_lets_what_must_finish_finish_and_cancels_the_rest() -> None:
    finished: list[int] = []
    tasks: dict[int, asyncio.Task[Any]] = {}

    async def work(item: int) -> int:
        tasks[item] = asyncio.current_task()  # type: ignore[assignment]
        if item == 2:
            raise ValueError(item)
        await asyncio.sleep(0.05)
        finished.append(item)
        return item

    def finish() -> Collection[asyncio.Task[Any]]:
        return {tasks[1]}

    with pytest.raises(ValueError, match="2"):
        collect(work, range(10), workers=4, finish=finish)
    assert finished == [1]
