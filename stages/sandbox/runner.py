"""Runs model-written programs against their tests without trusting them.

For each program two processes start, both confined (``inside/confinement.py``). One runs the program and answers calls
of its function. The other runs the tests, calls that function over a pipe, and alone writes the verdict. So exit
codes, printed text, patched built-ins, redefined tests, signals and exit handlers decide nothing: a program can pass
only by returning the right values. It never sees the tests.

The paper's harness runs program and tests in one process. This differs in three ways: values cross as plain data, so
an object with its own ``__eq__`` equals nothing; the tests do not see what a program does to its arguments in place;
and a helper that the prompt defines is, to the tests, the prompt's.

A program can write no files. It can use its limits up. By Landlock it can also learn what ``stat`` says of any path
that it can name (that it exists, its size, owner and times), but cannot read files, list folders or read links; by
namespaces it sees nothing but the standard library. A fault of the kernel would be a way out. The method ``rlimits``,
which parameters must ask for, keeps nothing away: a program could find its tests.
"""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryFile
from typing import Literal, NamedTuple

from pydantic import Field
from tqdm import tqdm

from stages.core.parameters import Section
from stages.sandbox.inside import supervisor
from stages.sandbox.inside.confinement import Method
from stages.sandbox.inside.processes import RunResult


class Limits(Section):
    """Limits on one program. It is always one process of one thread, and writes no files.

    Attributes:
        cpu_seconds: Processor time. This, not the clock, ends endless loops, so that the verdict does not depend on
            how busy the machine is.
        wall_seconds: The backstop for programs that wait without computing: the time in which neither the program nor
            its tests could go on. Time in which one of them only waits for its turn on a busy machine does not count.
        memory_mb: Address space.
        output_kb: The most that may be printed, and the most that one call may return.
        isolation: ``required``: where the machine offers no sandbox, nothing is run. ``limits_only``: there, programs
            are run all the same, under limits on time and memory alone, and can read, write and send whatever the
            user of this machine can.
    """

    cpu_seconds: int = Field(ge=1)
    wall_seconds: int = Field(ge=1)
    memory_mb: int = Field(ge=128)
    output_kb: int = Field(ge=1)
    isolation: Literal["required", "limits_only"]


logger = logging.getLogger(__name__)

METHODS: tuple[Method, ...] = ("landlock", "namespaces")
NO_SANDBOX = "not run: this machine offers no sandbox (Landlock or namespaces, and seccomp)"
TOP = Path(__file__).parents[2]
START = (
    "import sys; sys.path.append(sys.argv[1]); "
    f"from {supervisor.__name__} import main; sys.path.pop(); main(int(sys.argv[2]))"
)

# Attempts that must fail in a sandbox; the function returns how many did not.
ATTEMPTS = """
import os, resource, socket

def escapes(file):
    return sum(succeeds(attempt) for attempt in [
        lambda: open(file),
        lambda: os.listdir(os.path.dirname(file)),
        lambda: os.open(file, os.O_WRONLY),
        lambda: os.remove("/tmp/escaped") if open("/tmp/escaped", "x") else None,
        socket.socket,
        lambda: os.fork() or os._exit(0),
        lambda: os.kill(os.getppid(), 0),
        lambda: resource.setrlimit(resource.RLIMIT_CPU, (-1, -1)),
    ])

def succeeds(attempt):
    try:
        attempt()
    except (OSError, ValueError):
        return False
    return True
"""


class Task(NamedTuple):
    """A program and what it is tested by.

    Attributes:
        prompt: What the program completes; the tests may use what it defines.
        test: Text that defines ``check(candidate)``.
    """

    program: str
    entry_point: str
    prompt: str
    test: str


class Runner(AbstractContextManager["Runner"]):
    """Runs one program at a time, through one small process (the supervisor) that it keeps."""

    def __init__(self, limits: Limits, method: Method) -> None:
        self.job = limits.model_dump(exclude={"isolation"}) | {"method": method}
        self.link, theirs = socket.socketpair()
        command = [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", START]  # -S: no installed packages
        self.process = subprocess.Popen(
            [*command, str(TOP), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # an interrupt is for the stage to handle
            # Sets keep their order from run to run; some interpreters are found by that path alone.
            env={"PYTHONHASHSEED": "0"} | {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ},
        )
        theirs.close()

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        self.link.close()

    def run(self, task: Task) -> RunResult:
        """Run a program against its tests.

        Raises:
            RuntimeError: The supervisor has ended, which no confined program can bring about.
        """
        program = {"program": task.program, "entry_point": task.entry_point}
        tests = {"entry_point": task.entry_point, "prompt": task.prompt, "test": task.test}
        # Files without a name: nothing is left behind, even by SIGKILL. The supervisor does not read them.
        with TemporaryFile() as program_file, TemporaryFile() as tests_file, TemporaryFile() as printed:
            for file, content in ((program_file, program), (tests_file, tests)):
                file.write(json.dumps(content).encode())
                file.seek(0)
            files = [file.fileno() for file in (program_file, tests_file, printed)]
            try:
                socket.send_fds(self.link, [json.dumps(self.job).encode()], files)
                answer = self.link.recv(supervisor.MESSAGE_BYTES)
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
        if not answer:
            raise RuntimeError(f"the sandbox's supervisor ended with {self.process.wait()}")
        return RunResult(*json.loads(answer))


def run_all(tasks: Sequence[Task], limits: Limits, methods: tuple[Method, ...] = METHODS) -> list[RunResult]:
    """The outcome of each task, in order, run on all cores; equal tasks are run once.

    Where the machine offers no sandbox nothing is run, and every outcome says so.
    """
    if not tasks:
        return []
    method = available(limits, methods)
    if method is None:
        return [RunResult(None, NO_SANDBOX)] * len(tasks)
    distinct = list(dict.fromkeys(tasks))
    # The cores that this process may use can be fewer than the machine has.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores, len(distinct))
    with ExitStack() as stack:
        idle: SimpleQueue[Runner] = SimpleQueue()
        for _ in range(workers):
            idle.put(stack.enter_context(Runner(limits, method)))

        def run(task: Task) -> RunResult:
            runner = idle.get()
            try:
                return runner.run(task)
            finally:
                idle.put(runner)

        pool = stack.enter_context(ThreadPoolExecutor(workers))
        found = list(tqdm(pool.map(run, distinct), total=len(distinct), desc="execute", unit="program"))
    outcomes = dict(zip(distinct, found, strict=True))
    return [outcomes[task] for task in tasks]


def available(limits: Limits, methods: tuple[Method, ...] = METHODS) -> Method | None:
    """The first method that holds on this machine; the log says what is wrong with each one before it."""
    for method in methods:
        if (fault := fault_of(method, limits)) is None:
            return method
        logger.warning("no sandbox by %s: %s", method, fault)
    if limits.isolation == "limits_only":
        logger.warning("programs run outside a sandbox, as `isolation: limits_only` allows")
        return "rlimits"
    return None


def fault_of(method: Method, limits: Limits) -> str | None:
    """Why a method cannot be used, or that it lets through what it should not; None if it holds."""
    test = f"def check(candidate):\n    assert candidate({__file__!r}) == 0"
    with Runner(limits, method) as runner:
        outcome = runner.run(Task(program=ATTEMPTS, entry_point="escapes", prompt="", test=test))
    return None if outcome.passed else outcome.reason
