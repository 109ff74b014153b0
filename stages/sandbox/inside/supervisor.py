"""The process that starts two processes for each program, ends them, and reports how it went.

It stays small and has one thread, so that it can fork: starting an interpreter for each program takes far longer.
Neither programs nor tests are ever in its memory, of which every forked process gets a copy.
"""

import importlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stages.sandbox.inside.confinement import Confinement, end_with_parent
from stages.sandbox.inside.processes import ENDED, RunResult, run_program, run_tests

# Parts of the standard library that load libraries from outside it, which a confined process could not open.
LINKED_OUTSIDE = ("_bz2", "_ctypes", "_decimal", "_hashlib", "_lzma", "pyexpat", "zlib")
MESSAGE_BYTES = 4096
MOST_DESCRIPTORS = 4096
TICK_SECONDS = 0.05
NEAR_LIMIT = 0.5  # the kernel limits time counted in ticks and reports time measured: they can differ
OVERDUE = RunResult(passed=False, reason="limit: wall_seconds")


def main(control: int) -> None:
    """Answer each message on a socket, a job with the files of a task, by a verdict."""
    end_with_parent()
    for name in LINKED_OUTSIDE:
        with suppress(ImportError):
            importlib.import_module(name)
    with socket.socket(fileno=control) as link:
        while True:
            message, files, *_ = socket.recv_fds(link, MESSAGE_BYTES, 3)
            if not message:
                return
            link.sendall(json.dumps(run(json.loads(message), *files)).encode())


def run(job: Confinement, source: int, tests: int, printed: int) -> RunResult:
    """Run the program of one file against the tests of another; ``printed`` takes what the program prints.

    All three are descriptors, and are closed.
    """
    call, calls = os.pipe()
    reply, replies = os.pipe()
    spoken, verdict = os.pipe()
    running = Child(lambda: run_program(job, source, call, replies), {source, call, replies}, printed)
    checking = Child(lambda: run_tests(job, tests, calls, reply, verdict), {tests, calls, reply, verdict}, None)
    for descriptor in (call, calls, reply, replies, verdict, source, tests):
        os.close(descriptor)
    try:
        return _watch(job, running, checking, spoken, printed)
    finally:
        os.close(spoken)
        os.close(printed)


def _watch(job: Confinement, running: "Child", checking: "Child", spoken: int, printed: int) -> RunResult:
    """Wait for the verdict of the tests, end both processes, and put the reason in words."""
    waited, seen = 0.0, time.monotonic()

    def full() -> bool:
        return os.fstat(printed).st_size >= job["output_kb"] << 10

    def wait(done: Callable[[], bool]) -> bool:
        """Whether it was done before both had waited too long, and before more was printed than may be."""
        nonlocal waited, seen
        while not done():
            now = time.monotonic()
            if not (running.is_runnable() or checking.is_runnable()):
                waited += min(now - seen, TICK_SECONDS)  # on a busy machine this process comes late too
            seen = now
            if waited > job["wall_seconds"] or full():
                return False
        return True

    word = OVERDUE
    if wait(lambda: bool(select.select([spoken], [], [], TICK_SECONDS)[0])):
        said = os.read(spoken, MESSAGE_BYTES)
        word = RunResult(*json.loads(said)) if said else RunResult(passed=False, reason="")
        # It may have closed its pipe and gone on; how it ends by itself is the same each run.
        if word.reason == ENDED and not wait(running.has_ended):
            word = OVERDUE
    program_end, tests_end = running.end(job["cpu_seconds"]), checking.end(job["cpu_seconds"])
    if full():
        return RunResult(passed=False, reason="limit: output_kb")
    if word.reason == ENDED:
        return RunResult(passed=False, reason=program_end)
    return word if word.reason else RunResult(passed=False, reason=tests_end)


class Child:
    """A forked process, the leader of a session and group of its own."""

    def __init__(self, action: Callable[[], None], kept: set[int], output: int | None) -> None:
        """Start ``action`` with the descriptors ``kept``; what it prints goes to ``output``, or nowhere."""
        self.id = os.fork()
        if self.id == 0:
            try:
                os.setsid()
                end_with_parent()
                _keep(kept, output)
                action()
            finally:
                os._exit(0)  # whatever was raised, never back into the parent's code

    def has_ended(self) -> bool:
        time.sleep(TICK_SECONDS / 5)
        return os.waitid(os.P_PID, self.id, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def is_runnable(self) -> bool:
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
        if code >= 0:
            return "ended early"
        with suppress(ValueError):
            return f"killed: {signal.Signals(-code).name}"
        return f"killed: signal {-code}"


def _keep(kept: set[int], output: int | None) -> None:
    """Close all descriptors but these, and have no input."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    for standard in (1, 2):
        os.dup2(null if output is None else output, standard)
    start = 3
    for descriptor in [*sorted(kept), MOST_DESCRIPTORS]:
        os.closerange(start, descriptor)
        start = descriptor + 1
