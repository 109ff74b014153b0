"""Many programs, judged over all cores."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue

from tqdm import tqdm

from stages.sandbox.availability import METHODS, availability
from stages.sandbox.inside.confinement import Method
from stages.sandbox.judge import Judge, Outcome, Task
from stages.sandbox.limits import Limits


def judge_all(tasks: Sequence[Task], limits: Limits, methods: tuple[Method, ...] = METHODS) -> list[Outcome]:
    """The outcome of each task, in order; the same task is run once.

    Where the machine offers no sandbox nothing is run, and every outcome says so.
    """
    if not tasks:
        return []
    available = availability(limits, methods)
    if available.method is None:
        return [Outcome(None, available.reason or "not run")] * len(tasks)
    distinct = list(dict.fromkeys(tasks))
    outcomes = dict(zip(distinct, _run(distinct, limits, available.method), strict=True))
    return [outcomes[task] for task in tasks]


def _run(tasks: list[Task], limits: Limits, method: Method) -> list[Outcome]:
    workers = min(_cores(), len(tasks))
    with _judges(workers, limits, method) as idle, ThreadPoolExecutor(workers) as pool:

        def run(task: Task) -> Outcome:
            judge = idle.get()
            try:
                return judge(task)
            finally:
                idle.put(judge)

        return list(tqdm(pool.map(run, tasks), total=len(tasks), desc="execute", unit="program"))


@contextmanager
def _judges(count: int, limits: Limits, method: Method) -> Iterator[SimpleQueue[Judge]]:
    with ExitStack() as stack:
        idle: SimpleQueue[Judge] = SimpleQueue()
        for _ in range(count):
            idle.put(stack.enter_context(Judge(limits, method)))
        yield idle


def _cores() -> int:
    """The cores this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
