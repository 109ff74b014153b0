"""Calls into the C library, with failures raised as OSError."""

import ctypes
import os
import signal
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library; integers are passed as ``unsigned long``."""
    function = getattr(_LIBC, name)
    function.restype = ctypes.c_long
    wide = [ctypes.c_ulong(item) if isinstance(item, int) else item for item in arguments]
    result = function(*wide)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return int(result)


def prctl(option: int, *arguments: object) -> int:
    return call("prctl", option, *(*arguments, 0, 0, 0, 0)[:4])


def end_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends, even by SIGKILL."""
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
