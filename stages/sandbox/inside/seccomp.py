"""Seccomp: a process gives up, for good and without privilege, all system calls but those it names.

The filter is a program for the kernel's packet filter machine, put together here.
Source: Linux, Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/{seccomp,filter,audit}.h.
"""

import ctypes
import errno
import fcntl
import os
import platform

from stages.sandbox.inside import libc
from stages.sandbox.inside.syscalls import ALLOWED, CHECKED, MACHINES

AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LOAD_WORD, AND, JUMP_IF_EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE = 0x00050000 | errno.EACCES
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where struct seccomp_data has them
SECCOMP_MODE_FILTER = 2

# Not F_SETOWN and F_SETSIG, by which a process can have a signal of its choice sent to another.
FCNTL_COMMANDS = [
    fcntl.F_DUPFD, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL, fcntl.F_DUPFD_CLOEXEC,
]  # fmt: skip
# Never to read and yet to truncate, which the first versions of Landlock let pass; nor the nameless fourth mode.
OPEN_MODES = [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_TRUNC]

Instruction = tuple[int, int, int, int]


class SockFilter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("constant", ctypes.c_uint32),
    )


class SockFprog(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(SockFilter)))


def restrict() -> None:
    """Refuse (EACCES) this process every system call but those of ``syscalls.py``.

    Raises:
        OSError: The kernel has no filters, or the processor is one whose numbers are not known here.
    """
    if platform.machine() not in MACHINES:
        raise OSError(errno.ENOSYS, f"no system call numbers for {platform.machine()}")
    instructions = program(platform.machine(), os.getpid())
    array = (SockFilter * len(instructions))(*(SockFilter(*instruction) for instruction in instructions))
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.prctl(libc.PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(SockFprog(len(array), array)))


def program(machine: str, pid: int) -> list[Instruction]:
    """The filter, as instructions (code, jump if true, jump if false, constant)."""
    column = MACHINES.index(machine)
    mode = os.O_ACCMODE | os.O_TRUNC
    checks = {
        "open": _argument(1, OPEN_MODES, mode),
        "openat": _argument(2, OPEN_MODES, mode),
        "fcntl": _argument(1, FCNTL_COMMANDS),
        "prlimit64": _argument(0, [0]),  # its own limits; to raise them would need privilege
        "tgkill": _argument(0, [pid]),  # how abort() ends its own process
    }
    rules = [
        (LOAD_WORD, 0, 0, ARCHITECTURE),
        (JUMP_IF_EQUAL, 1, 0, AUDIT_ARCHITECTURES[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD_WORD, 0, 0, NUMBER),
    ]
    for name, numbers in (ALLOWED | CHECKED).items():
        number = numbers[column]
        if number is not None:
            block = checks.get(name, [(RETURN, 0, 0, ALLOW)])
            rules += [(JUMP_IF_EQUAL, 0, len(block), number), *block]
    return [*rules, (RETURN, 0, 0, REFUSE)]


def _argument(index: int, accepted: list[int], mask: int = 0xFFFFFFFF) -> list[Instruction]:
    """Allow if the argument, an ``int`` to the kernel, has one of these values under the mask."""
    compare = [(JUMP_IF_EQUAL, len(accepted) - position, 0, value) for position, value in enumerate(accepted)]
    load = [(LOAD_WORD, 0, 0, FIRST_ARGUMENT + 8 * index), (AND, 0, 0, mask)]
    return [*load, *compare, (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
