"""Whether a model-written program passes its tests, found out without trusting it.

For each program two processes are started, and both confined (``inside/confinement.py``). The *guest* runs the
program and answers calls of its function. The *referee* runs the tests, calls that function over a pipe, and alone
speaks the verdict. Exit codes, printed text, patched built-ins, redefined tests, signals and handlers at exit thus
decide nothing: all that a program can do to pass is to return the right values. It never sees the tests.

This differs from the paper's harness, where program and tests share a process, in three things: values cross as plain
data, so that an object with an ``__eq__`` of its own equals nothing; what a program does to its arguments in place is
not seen by the tests; and a helper that the prompt defines is, to the tests, the prompt's.

What remains possible: to learn whether a path exists that one can name (not what is in a file, nor which files a
folder holds), and to use up what the limits allow. A fault of the kernel would be a way out. By the method
``rlimits``, which parameters must ask for, nothing is kept away and a program could find its tests.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from stages.sandbox.inside import judging
from stages.sandbox.inside.confinement import Job, Method
from stages.sandbox.inside.referee import Verdict
from stages.sandbox.limits import Limits

TOP = Path(__file__).parents[2]
START = f"import sys; sys.path.append(sys.argv[1]); from {judging.__name__} import main; sys.path.pop(); main()"


@dataclass(frozen=True)
class Task:
    """A program and what it is tested by.

    Attributes:
        prompt: What the program completes; the tests may use what it defines.
        test: Text that defines ``check(candidate)``.
    """

    program: str
    entry_point: str
    prompt: str
    test: str


@dataclass(frozen=True)
class Outcome:
    """``passed`` is None where the program was not run."""

    passed: bool | None
    reason: str


class Judge:
    """Judges one program at a time, through one small process that it keeps."""

    def __init__(self, limits: Limits, method: Method) -> None:
        self.limits, self.method = limits, method
        self.process = subprocess.Popen(
            [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", START, str(TOP)],  # -S: no packages
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # an interrupt is for the stage to handle
            # Sets keep their order from run to run; some interpreters are found by that path alone.
            env={"PYTHONHASHSEED": "0"} | {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def __call__(self, task: Task) -> Outcome:
        """Run a program against its tests.

        Raises:
            RuntimeError: The judging process has ended, which no confined program can bring about.
        """
        with tempfile.TemporaryDirectory(prefix="program-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            for part in ("guest", "referee"):
                (folder / part).mkdir()
            tests = {key: text for key, text in asdict(task).items() if key != "program"}
            program = {"program": task.program, "entry_point": task.entry_point}
            (folder / "program.json").write_text(json.dumps(program), encoding="utf-8")
            (folder / "tests.json").write_text(json.dumps(tests), encoding="utf-8")
            verdict = self._ask(self._job(name))
        return Outcome(verdict["passed"], verdict["reason"])

    def _job(self, folder: str) -> Job:
        limits = self.limits
        return Job(
            folder=folder,
            method=self.method,
            cpu_seconds=limits.cpu_seconds,
            wall_seconds=limits.wall_seconds,
            memory_mb=limits.memory_mb,
            output_kb=limits.output_kb,
            file_kb=limits.file_kb,
        )

    def _ask(self, job: Job) -> Verdict:
        assert self.process.stdin and self.process.stdout
        try:
            print(json.dumps(job), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"the judging process ended with {self.process.wait()}")
        verdict: Verdict = json.loads(answer)
        return verdict
