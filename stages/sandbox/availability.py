"""Which way of confining programs this machine offers, found out by trying to break out of each."""

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stages.sandbox.inside.confinement import Method
from stages.sandbox.judge import Judge, Task
from stages.sandbox.limits import Limits

logger = logging.getLogger(__name__)

METHODS: tuple[Method, ...] = ("landlock", "namespaces")
NO_SANDBOX = "not run: this machine offers no sandbox (Landlock or namespaces, and seccomp)"

# What must fail in a sandbox; the names of what did not are returned.
ATTEMPTS = """
def escapes(folder):
    import os, resource, socket

    attempts = {
        "read": lambda: open(folder + "/secret"),
        "list": lambda: os.listdir(folder),
        "write": lambda: open(folder + "/escaped", "w"),
        "network": lambda: socket.socket(),
        "process": lambda: os.fork() or os._exit(0),
        "signal": lambda: os.kill(os.getppid(), 0),
        "limits": lambda: resource.setrlimit(resource.RLIMIT_CPU, (-1, -1)),
    }
    return [name for name, attempt in attempts.items() if succeeds(attempt)]

def succeeds(attempt):
    try:
        attempt()
    except (OSError, ValueError):
        return False
    return True
"""


@dataclass(frozen=True)
class Availability:
    """``method`` is None where nothing may be run, for the reason given."""

    method: Method | None
    reason: str | None = None


def availability(limits: Limits, methods: tuple[Method, ...] = METHODS) -> Availability:
    """The first method that holds here; what is wrong with one goes to the log."""
    for method in methods:
        fault = fault_of(method, limits)
        if fault is None:
            return Availability(method)
        logger.warning("no sandbox by %s: %s", method, fault)
    if limits.isolation == "limits_only":
        logger.warning("programs run outside a sandbox, as `isolation: limits_only` allows")
        return Availability("rlimits")
    return Availability(None, NO_SANDBOX)


def fault_of(method: Method, limits: Limits) -> str | None:
    """Why a method cannot be used, or that it lets through what it should not; None if it holds."""
    with tempfile.TemporaryDirectory() as outside, Judge(limits, method) as judge:
        Path(outside, "secret").write_text("seen")
        test = f"def check(candidate):\n    assert candidate({outside!r}) == []"
        outcome = judge(Task(program=ATTEMPTS, entry_point="escapes", prompt="", test=test))
    return None if outcome.passed else outcome.reason
