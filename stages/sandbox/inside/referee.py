"""The process in which the tests of a program run: beside it, never with it.

The tests' text, the values they expect and the verdict are here alone. The program's function is called over a pipe
and gives plain data back.
"""

import json
import os
import random
import re
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypedDict

from stages.sandbox.inside.confinement import CONFINED, Job, confine
from stages.sandbox.inside.values import decode, encode

ENDED = "ended"  # the process that started this one says how
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")


class Verdict(TypedDict):
    """``passed`` is None where nothing was run."""

    passed: bool | None
    reason: str


class RaisedError(Exception):
    """The program raised an exception, of the type named."""


class StoppedError(BaseException):
    """The program's process gives no more answers; nothing that a test may catch."""


def main(job: Job, calls: int, replies: int, verdict: int) -> None:
    """Confine this process and run the tests.

    Args:
        job: Where the tests are, and the limits.
        calls: Descriptor to which calls are written.
        replies: Descriptor from which what came of them is read.
        verdict: Descriptor to which the verdict is written; nothing is, if the tests themselves hit a limit.
    """
    task = json.loads(Path(job["folder"], "tests.json").read_text(encoding="utf-8"))
    with os.fdopen(calls, "w", buffering=1) as outbox, os.fdopen(replies, "rb") as inbox:
        try:
            confine(job, "referee")
            result = referee(task, Function(outbox, inbox, job["output_kb"] << 10))
        except OSError as error:
            result = Verdict(passed=None, reason=f"not confined: {error.strerror}")
        os.write(verdict, json.dumps(result).encode())


class Function:
    """The program's function, called from afar."""

    def __init__(self, outbox: TextIO, inbox: BinaryIO, longest: int) -> None:
        self.outbox, self.inbox, self.longest = outbox, inbox, longest

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        try:
            self.outbox.write(json.dumps([encode(list(arguments)), encode(keywords)]) + "\n")
        except BrokenPipeError:
            raise StoppedError(ENDED) from None
        return self.reply()

    def reply(self) -> Any:
        """What came of the last call, or of loading the program."""
        reply = json.loads(self.line().decode())
        if "raised" in reply:
            name = reply["raised"]
            raise RaisedError(name if IDENTIFIER.fullmatch(name) else "Exception")
        return decode(reply["value"])

    def line(self) -> bytes:
        line = self.inbox.readline(self.longest)
        if len(line) == self.longest:
            raise StoppedError("limit: output_kb")
        if not line.endswith(b"\n"):
            raise StoppedError(ENDED)
        return line


def referee(task: dict[str, str], function: Function) -> Verdict:
    try:
        confirmation = function.line().decode().strip()
    except StoppedError:
        confirmation = "not confined"
    if confirmation != CONFINED:
        return Verdict(passed=None, reason=confirmation)
    try:
        function.reply()
        check(task, function)
    except StoppedError as error:
        return Verdict(passed=False, reason=str(error))
    except RaisedError as error:
        return Verdict(passed=False, reason=f"failed: {error}")
    except BaseException as error:  # of the tests, or of a reply that is no value
        return Verdict(passed=False, reason=f"failed: {type(error).__name__}")
    return Verdict(passed=True, reason="passed")


def check(task: dict[str, str], function: Function) -> None:
    """HumanEval's ``check(entry_point)``; the tests may use what the prompt defines before the function."""
    namespace: dict[str, Any] = {"__name__": "tests"}
    random.seed(0)  # some tests draw their inputs
    exec(task["prompt"], namespace)
    namespace[task["entry_point"]] = function
    exec(task["test"], namespace)
    namespace["check"](function)
