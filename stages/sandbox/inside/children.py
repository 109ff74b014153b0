"""Processes that are forked, inherit little, and end as a group."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stages.sandbox.inside import libc

MOST_DESCRIPTORS = 4096
TICK_SECONDS = 0.01
NEAR_LIMIT = 0.5  # the time that is limited is counted in ticks, the time reported is measured: they can differ


class Child:
    """A forked process, the leader of a session and group of its own."""

    def __init__(self, action: Callable[[], None], kept: set[int], output: int | None) -> None:
        """Start it.

        Args:
            action: What it does.
            kept: The descriptors that it keeps.
            output: Descriptor that takes its standard output and error; None for nowhere.
        """
        self.id = os.fork()
        if self.id == 0:
            try:
                os.setsid()
                libc.end_with_parent()
                _keep(kept, output)
                action()
            finally:
                os._exit(0)  # whatever was raised, never back into the parent's code

    def ends_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while os.waitid(os.P_PID, self.id, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(TICK_SECONDS)
        return True

    def is_held_up(self) -> bool:
        """Whether it would go on at once if the machine were less busy, and so does not wait by its own choice."""
        try:
            text = Path(f"/proc/{self.id}/stat").read_text(encoding="utf-8")
        except OSError:  # no Linux
            return False
        return text.rpartition(")")[2].split()[0] == "R"

    def end(self, cpu_seconds: int) -> str:
        """Kill it and its group, unless it has ended by itself, and say how it ended."""
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):  # it has no group yet, or has ended
                kill(self.id, signal.SIGKILL)
        _, status, usage = os.wait4(self.id, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGKILL and usage.ru_utime + usage.ru_stime >= NEAR_LIMIT * cpu_seconds:
            return "limit: cpu_seconds"
        return f"killed: {_signal_name(-code)}" if code < 0 else "ended early"


def _keep(kept: set[int], output: int | None) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    for standard in (1, 2):
        os.dup2(null if output is None else output, standard)
    start = 3
    for descriptor in [*sorted(kept), MOST_DESCRIPTORS]:
        os.closerange(start, descriptor)
        start = descriptor + 1


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
