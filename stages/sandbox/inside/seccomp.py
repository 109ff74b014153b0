"""Seccomp: a process gives up, for good and without privilege, all system calls but those named here.

The filter is a program for the kernel's packet filter machine.
Source: Linux, Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/{seccomp,filter,audit}.h; the numbers
of calls: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

import errno
import fcntl
import os

# name, number on x86_64, number on aarch64 ("-": there is none). Whatever is not here is refused: sockets, processes
# and threads, signals to others, changes to files and folders, reading of links, mounts.
TABLE = """
read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, lseek 8 62, close 3 57,
stat 4 -, fstat 5 80, lstat 6 -, newfstatat 262 79, statx 332 291, access 21 -, faccessat 269 48, faccessat2 439 439,
getdents64 217 61, getcwd 79 17, chdir 80 49, umask 95 166,
dup 32 23, dup2 33 -, dup3 292 24, pipe 22 -, pipe2 293 59, select 23 -, pselect6 270 72, poll 7 -, ppoll 271 73,
mmap 9 222, mprotect 10 226, munmap 11 215, mremap 25 216, madvise 28 233, brk 12 214,
rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, sigaltstack 131 132, alarm 37 -, pause 34 -,
getitimer 36 102, setitimer 38 103, restart_syscall 219 128,
clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, nanosleep 35 101, gettimeofday 96 169,
time 201 -, times 100 153, getrusage 98 165,
getpid 39 172, gettid 186 178, getppid 110 173, getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177,
getpgid 121 155, getpgrp 111 -, getsid 124 156, uname 63 160, sysinfo 99 179, getrandom 318 278, getrlimit 97 163,
sched_getaffinity 204 123,
futex 202 98, set_robust_list 273 99, rseq 334 293, sched_yield 24 124,
exit 60 93, exit_group 231 94
"""
# Allowed with some arguments alone: see ``program``.
CHECKED_TABLE = "open 2 -, openat 257 56, fcntl 72 25, prlimit64 302 261, tgkill 234 131"

MACHINES = ("x86_64", "aarch64")
AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LOAD_WORD, AND, JUMP_IF_EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE = 0x00050000 | errno.EACCES
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where struct seccomp_data has them

# Not F_SETOWN and F_SETSIG, by which a process can have a signal of its choice sent to another.
FCNTL_COMMANDS = [
    fcntl.F_DUPFD, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL, fcntl.F_DUPFD_CLOEXEC,
]  # fmt: skip
# Files are read, never made, written or cut: what an unlinked file holds on to, no limit of a process bounds.
WRITING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC

Instruction = tuple[int, int, int, int]
"""The kernel's ``struct sock_filter``: code, jump if true, jump if false, constant."""


def numbers(table: str, machine: str) -> dict[str, int]:
    """The calls of a table that a machine has."""
    rows = [row.split() for row in table.split(",")]
    column = 1 + MACHINES.index(machine)
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def program(machine: str, pid: int) -> list[Instruction]:
    """The filter for a process.

    Raises:
        OSError: The numbers of this machine's system calls are not known here.
    """
    if machine not in MACHINES:
        raise OSError(errno.ENOSYS, f"no system call numbers for {machine}")
    checks = {
        "open": _argument(1, [os.O_RDONLY], WRITING),
        "openat": _argument(2, [os.O_RDONLY], WRITING),
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
    for name, number in (numbers(TABLE, machine) | numbers(CHECKED_TABLE, machine)).items():
        block = checks.get(name, [(RETURN, 0, 0, ALLOW)])
        rules += [(JUMP_IF_EQUAL, 0, len(block), number), *block]
    return [*rules, (RETURN, 0, 0, REFUSE)]


def _argument(index: int, accepted: list[int], mask: int = 0xFFFFFFFF) -> list[Instruction]:
    """Allow if the argument, an ``int`` to the kernel, has one of these values under the mask."""
    compare = [(JUMP_IF_EQUAL, len(accepted) - position, 0, value) for position, value in enumerate(accepted)]
    load = [(LOAD_WORD, 0, 0, FIRST_ARGUMENT + 8 * index), (AND, 0, 0, mask)]
    return [*load, *compare, (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
