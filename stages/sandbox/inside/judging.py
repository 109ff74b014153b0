"""The process that starts a guest and a referee for each program, ends them, and says what came of it.

It stays small and has one thread, so that it can fork: starting an interpreter for each program takes far longer.
Neither programs nor tests are ever in its memory, of which every guest gets a copy.
"""

import importlib
import json
import os
import select
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from stages.sandbox.inside import guest, libc, referee
from stages.sandbox.inside.children import Child
from stages.sandbox.inside.confinement import MOST_FILES, Job
from stages.sandbox.inside.referee import ENDED, Verdict

# Parts of the standard library that load libraries from outside it, which a confined process could not open.
LINKED_OUTSIDE = ("_bz2", "_ctypes", "_decimal", "_hashlib", "_lzma", "pyexpat", "zlib")
TICK_SECONDS = 0.05
VERDICT_BYTES = 4096
OVERDUE = Verdict(passed=False, reason="limit: wall_seconds")


def main() -> None:
    """Read jobs from standard input, a line each, and write a verdict for each to standard output."""
    libc.end_with_parent()
    for name in LINKED_OUTSIDE:
        with suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(judge(json.loads(line))), flush=True)


def judge(job: Job) -> Verdict:
    call, calls = os.pipe()
    reply, replies = os.pipe()
    spoken, verdict = os.pipe()
    printed = os.open(f"{job['folder']}/printed", os.O_RDWR | os.O_CREAT)
    program = Child(lambda: guest.main(job, call, replies), {call, replies}, printed)
    tests = Child(lambda: referee.main(job, calls, reply, verdict), {calls, reply, verdict}, None)
    for descriptor in (call, calls, reply, replies, verdict):
        os.close(descriptor)
    try:
        return _watch(job, program, tests, spoken, printed)
    finally:
        os.close(spoken)
        os.close(printed)


def _watch(job: Job, program: Child, tests: Child, spoken: int, printed: int) -> Verdict:
    """Wait for the referee's word, end both processes, and put the reason in words."""
    deadline = time.monotonic() + job["wall_seconds"]

    def wait(done: Callable[[], bool]) -> bool:
        """Whether it was done in time, and before more was written than may be."""
        while not done():
            late = time.monotonic() > deadline and not (program.is_held_up() or tests.is_held_up())
            if late or _overrun(job, printed):
                return False
        return True

    word = OVERDUE
    if wait(lambda: _readable(spoken)):
        said = os.read(spoken, VERDICT_BYTES)
        word = json.loads(said) if said else Verdict(passed=False, reason="")
        # It may have closed its pipe and gone on; how it ends by itself is the same each run.
        if word["reason"] == ENDED and not wait(lambda: program.ends_within(TICK_SECONDS)):
            word = OVERDUE
    program_end, tests_end = program.end(job["cpu_seconds"]), tests.end(job["cpu_seconds"])
    if limit := _overrun(job, printed):
        return Verdict(passed=False, reason=f"limit: {limit}")
    if word["reason"] == ENDED:
        return Verdict(passed=False, reason=program_end)
    return word if word["reason"] else Verdict(passed=False, reason=tests_end)


def _readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], TICK_SECONDS)[0])


def _overrun(job: Job, printed: int) -> str | None:
    """Which limit on what is written was reached."""
    if os.fstat(printed).st_size >= job["output_kb"] << 10:
        return "output_kb"
    sizes = []
    with suppress(FileNotFoundError), os.scandir(f"{job['folder']}/guest") as files:
        for file in files:
            with suppress(FileNotFoundError):  # removed meanwhile
                sizes.append(file.stat(follow_symlinks=False).st_size)
    return "file_kb" if sum(sizes) >= job["file_kb"] << 10 or len(sizes) > MOST_FILES else None
