"""The process in which a model-written program runs: confined first, then it answers calls of the program's function.

Nothing that it says once the program runs is believed, but as the value that the function returns.
"""

import json
import os
import random
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from stages.sandbox.inside.confinement import CONFINED, Job, confine
from stages.sandbox.inside.values import decode, encode


def main(job: Job, calls: int, replies: int) -> None:
    """Confine this process, run the program, answer calls.

    Args:
        job: Where the program is, and its limits.
        calls: Descriptor from which calls are read, a line each.
        replies: Descriptor to which a line is written for each thing done: that this process is confined, that the
            program is loaded, what came of each call.
    """
    task = json.loads(Path(job["folder"], "program.json").read_text(encoding="utf-8"))
    os.environ.clear()
    with os.fdopen(calls) as inbox, os.fdopen(replies, "w", buffering=1) as outbox:
        try:
            confine(job, "guest")
        except OSError as error:
            outbox.write(f"not confined: {error.strerror}\n")
            return
        outbox.write(f"{CONFINED}\n")
        random.seed(0)
        serve(task["program"], task["entry_point"], inbox, outbox)


def serve(program: str, entry_point: str, inbox: TextIO, outbox: TextIO) -> None:
    # As in the paper's own harness not "__main__": what stands under that name is no part of the function.
    module = types.ModuleType("program")
    sys.modules["program"] = module

    def load() -> None:
        exec(compile(program, "program", "exec"), module.__dict__)
        if entry_point not in module.__dict__:
            raise NameError(entry_point)

    def call() -> Any:
        return module.__dict__[entry_point](*decode(arguments), **decode(keywords))

    outbox.write(outcome(load))
    for line in inbox:
        arguments, keywords = json.loads(line)
        outbox.write(outcome(call))


def outcome(action: Callable[[], Any]) -> str:
    try:
        reply = json.dumps({"value": encode(action())})
    except BaseException as error:  # SystemExit too
        reply = json.dumps({"raised": type(error).__name__})
    return reply + "\n"
