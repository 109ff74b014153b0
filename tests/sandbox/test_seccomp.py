"""The filter, run here by a small machine of the same kind, for processors that are not at hand too."""

import fcntl
import os

import pytest

from stages.sandbox.inside import seccomp
from stages.sandbox.inside.seccomp import CHECKED_TABLE, MACHINES, TABLE, numbers

PID = 4242
REFUSED = {
    "x86_64": {"socket": 41, "fork": 57, "clone": 56, "clone3": 435, "execve": 59, "kill": 62, "ptrace": 101,
               "mount": 165, "chmod": 90, "prctl": 157, "ioctl": 16, "truncate": 76, "io_uring_setup": 425,
               "ftruncate": 77, "unlink": 87, "rename": 82, "readlink": 89, "memfd_create": 319, "fallocate": 285},
    "aarch64": {"socket": 198, "clone": 220, "clone3": 435, "execve": 221, "kill": 129, "ptrace": 117,
                "mount": 40, "fchmodat": 53, "prctl": 167, "ioctl": 29, "truncate": 45, "io_uring_setup": 425,
                "ftruncate": 46, "unlinkat": 35, "renameat": 38, "readlinkat": 78, "memfd_create": 279,
                "fallocate": 47},
}  # fmt: skip


def act(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    words = {seccomp.NUMBER: number, seccomp.ARCHITECTURE: architecture or seccomp.AUDIT_ARCHITECTURES[machine]}
    words |= {seccomp.FIRST_ARGUMENT + 8 * index: value for index, value in enumerate(arguments)}
    instructions, at, accumulator = seccomp.program(machine, PID), 0, 0
    while True:
        code, if_true, if_false, constant = instructions[at]
        at += 1
        if code == seccomp.RETURN:
            return constant
        if code == seccomp.LOAD_WORD:
            accumulator = words.get(constant, 0)
        elif code == seccomp.AND:
            accumulator &= constant
        else:
            at += if_true if accumulator == constant else if_false


@pytest.mark.parametrize("machine", MACHINES)
def test_each_call_named_is_allowed_and_no_other(machine: str):
    allowed, checked = (set(numbers(table, machine).values()) for table in (TABLE, CHECKED_TABLE))
    assert not allowed & checked
    for number in set(range(600)) - checked:
        assert act(machine, number) == (seccomp.ALLOW if number in allowed else seccomp.REFUSE), number
    for name, number in REFUSED[machine].items():
        assert act(machine, number) == seccomp.REFUSE, name


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("openat", (0, 0, os.O_RDONLY | os.O_CLOEXEC), True),
        ("openat", (0, 0, os.O_RDONLY | os.O_CREAT), False),
        ("openat", (0, 0, os.O_WRONLY), False),
        ("openat", (0, 0, os.O_RDWR | os.O_CREAT | os.O_EXCL), False),
        ("openat", (0, 0, os.O_TMPFILE | os.O_RDWR), False),
        ("openat", (0, 0, os.O_RDONLY | os.O_TRUNC), False),
        ("openat", (0, 0, os.O_ACCMODE), False),
        ("fcntl", (3, fcntl.F_GETFL), True),
        ("fcntl", (3, fcntl.F_SETOWN, 1), False),
        ("fcntl", (3, fcntl.F_SETSIG, 9), False),
        ("prlimit64", (0, 0), True),
        ("prlimit64", (PID - 1, 0), False),
        ("tgkill", (PID, PID, 6), True),
        ("tgkill", (PID - 1, PID - 1, 9), False),
    ],
)
def test_arguments_are_looked_at(machine: str, name: str, arguments: tuple[int, ...], allowed: bool):
    assert act(machine, numbers(CHECKED_TABLE, machine)[name], *arguments) == (
        seccomp.ALLOW if allowed else seccomp.REFUSE
    )


@pytest.mark.parametrize("machine", MACHINES)
def test_another_architecture_s_calls_are_the_end(machine: str):
    assert act(machine, 0, architecture=0x40000003) == seccomp.KILL


def test_calls_of_the_x32_kind_are_refused():
    assert act("x86_64", 0x40000000 | numbers(TABLE, "x86_64")["read"]) == seccomp.REFUSE
