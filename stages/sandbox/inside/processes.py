"""The two processes of a task: one runs a model-written program, the other its tests.

Only the second has the tests' text, the values that they expect, and the verdict. It calls the program's function over
a pipe. It believes nothing else that the first process says once the program runs.

Values cross the pipe as plain data in JSON, and never as an object with a will of its own: None, booleans, numbers,
strings and lists stand for themselves; everything else is ``{kind: content}``.
"""

import json
import os
import random
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, KeysView, ValuesView
from decimal import Decimal
from fractions import Fraction
from typing import Any, BinaryIO, NamedTuple, TextIO

from stages.sandbox.inside.confinement import Confinement, confine

PLAIN_INTEGERS = 1 << 63  # beyond this, hexadecimal: decimal digits are limited, and slow


class Opaque:
    """Stands for what is not plain data: equal to nothing but itself."""


def encode(value: Any) -> Any:
    """What JSON can hold of a value; subclasses become the plain type they extend."""
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < PLAIN_INTEGERS else {"int": hex(value)}
    if isinstance(value, list):
        return [encode(item) for item in value]
    for name, (kind, content, _) in KINDS.items():
        if isinstance(value, kind):
            return {name: content(value)}
    return {"opaque": None}


def decode(data: Any) -> Any:
    """The value again. What was sent may be anything: any exception may come of it, but no code is run."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if isinstance(data, dict):
        ((kind, content),) = data.items()
        if kind == "int":
            return int(content, 16)
        return Opaque() if kind == "opaque" else KINDS[kind][2](content)
    return data


def _items(value: Iterable[Any]) -> list[Any]:
    return [encode(item) for item in value]


# Name: type, what JSON can hold of it, the value again. The first type that fits counts.
KINDS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "dict": (dict, lambda v: [_items(pair) for pair in v.items()], lambda c: {decode(k): decode(v) for k, v in c}),
    "tuple": (tuple, _items, lambda c: tuple(decode(c))),
    "set": (set, _items, lambda c: set(decode(c))),
    "frozenset": (frozenset, _items, lambda c: frozenset(decode(c))),
    "complex": (complex, lambda v: [v.real, v.imag], lambda c: complex(*c)),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
    "bytearray": (bytearray, bytearray.hex, bytearray.fromhex),
    "range": (range, lambda v: _items([v.start, v.stop, v.step]), lambda c: range(*decode(c))),
    "Fraction": (Fraction, lambda v: _items([v.numerator, v.denominator]), lambda c: Fraction(*decode(c))),
    "Decimal": (Decimal, str, Decimal),
    "keys": (KeysView, _items, lambda c: dict.fromkeys(decode(c)).keys()),
    "iterator": (Iterator, _items, lambda c: iter(decode(c))),
    "values": (ValuesView, _items, lambda c: dict(enumerate(decode(c))).values()),
}


CONFINED = "confined"  # said before anything is run
ENDED = "ended"  # the process that started this one says how
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")


class RunResult(NamedTuple):
    """``passed`` is None where the program was not run."""

    passed: bool | None
    reason: str


class RaisedError(Exception):
    """The program raised an exception, of the type named."""


class StoppedError(BaseException):
    """The program's process gives no more answers; nothing that a test may catch."""


def run_program(job: Confinement, source: int, calls: int, replies: int) -> None:
    """Confine this process, load the program of the file ``source``, and answer the lines of ``calls``.

    Writes a line to ``replies`` for each thing done: that this process is confined, that the program is loaded, what
    came of each call. All are descriptors.
    """
    with os.fdopen(source, encoding="utf-8") as file:
        task = json.load(file)
    os.environ.clear()
    with os.fdopen(calls) as inbox, os.fdopen(replies, "w", buffering=1) as outbox:
        try:
            confine(job)
        except OSError as error:
            outbox.write(f"not confined: {error.strerror}\n")
            return
        outbox.write(f"{CONFINED}\n")
        random.seed(0)
        # As in the paper's own harness not "__main__": what stands under that name is no part of the function.
        module = sys.modules["program"] = types.ModuleType("program")

        def load() -> None:
            exec(compile(task["program"], "program", "exec"), module.__dict__)
            if task["entry_point"] not in module.__dict__:
                raise NameError(task["entry_point"])

        def call() -> Any:
            return module.__dict__[task["entry_point"]](*decode(arguments), **decode(keywords))

        outbox.write(_outcome(load))
        for line in inbox:
            arguments, keywords = json.loads(line)
            outbox.write(_outcome(call))


def _outcome(action: Callable[[], Any]) -> str:
    try:
        reply = json.dumps({"value": encode(action())})
    except BaseException as error:  # SystemExit too
        reply = json.dumps({"raised": type(error).__name__})
    return reply + "\n"


def run_tests(job: Confinement, tests: int, calls: int, replies: int, verdict: int) -> None:
    """Confine this process, run the tests of the file ``tests``, and write what came of them to ``verdict``.

    Writes nothing if the tests themselves hit a limit. All are descriptors.
    """
    with os.fdopen(tests, encoding="utf-8") as file:
        task = json.load(file)
    with os.fdopen(calls, "w", buffering=1) as outbox, os.fdopen(replies, "rb") as inbox:
        try:
            confine(job)
            result = _verdict(task, Function(outbox, inbox, job["output_kb"] << 10))
        except OSError as error:
            result = RunResult(None, f"not confined: {error.strerror}")
        os.write(verdict, json.dumps(result).encode())


class Function:
    """The program's function, which runs in the other process."""

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


def _verdict(task: dict[str, str], function: Function) -> RunResult:
    try:
        confirmation = function.line().decode().strip()
    except StoppedError:
        confirmation = "not confined"
    if confirmation != CONFINED:
        return RunResult(None, confirmation)
    # HumanEval's ``check(entry_point)``; the tests may use what the prompt defines before the function.
    namespace: dict[str, Any] = {"__name__": "tests"}
    random.seed(0)  # some tests draw their inputs
    try:
        function.reply()
        exec(task["prompt"], namespace)
        namespace[task["entry_point"]] = function
        exec(task["test"], namespace)
        namespace["check"](function)
    except StoppedError as error:
        return RunResult(passed=False, reason=str(error))
    except RaisedError as error:
        return RunResult(passed=False, reason=f"failed: {error}")
    except BaseException as error:  # of the tests, or of a reply that is no value
        return RunResult(passed=False, reason=f"failed: {type(error).__name__}")
    return RunResult(passed=True, reason="passed")
