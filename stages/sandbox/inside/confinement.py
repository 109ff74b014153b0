"""A process gives up, for good, all that a model-written program shall not have.

Landlock keeps files away or, on kernels without it, a root of its own in namespaces of its own; seccomp keeps away
every system call that it does not name; limits bound time and memory.
Source: Linux, include/uapi/linux/{landlock,mount,sched,capability}.h, Documentation/userspace-api/landlock.rst.

Nothing in this folder may import more than the standard library: it runs in an interpreter that sees nothing else.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from contextlib import suppress
from typing import Literal, TypedDict

from stages.sandbox.inside import seccomp

# How files are kept away; ``rlimits`` keeps nothing away and only limits what is used.
Method = Literal["landlock", "namespaces", "rlimits"]

OPEN_FILES = 64
STACK = 8 << 20
PACKAGES = ("site-packages", "dist-packages")  # among them the benchmark's own answers

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION = 0x20080522

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
CREATE_RULESET_VERSION, RULE_PATH_BENEATH = 1, 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # by version of the interface; later ones have at least the last
NETWORK_RIGHTS, SCOPES = 0b11, 0b11  # bind and connect, from version 4; abstract sockets and signals, from version 6

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 32, 4096, 16384
MS_PRIVATE, MS_RELATIME = 1 << 18, 1 << 21
ST_RELATIME = 4096
KEPT_FLAGS = 2 | 4 | 8 | 1024 | 2048  # nosuid, nodev, noexec, noatime, nodiratime: one value in statvfs and mount
ROOT = "/proc"  # where the new root is mounted: a folder that every machine has, and that holds no library

_LIBC = ctypes.CDLL(None, use_errno=True)


class Confinement(TypedDict):
    """How one program is to be run."""

    method: Method
    cpu_seconds: int
    wall_seconds: int
    memory_mb: int
    output_kb: int


def confine(job: Confinement) -> None:
    """Leave this process the standard library to read, and its limits.

    Raises:
        OSError: The machine does not offer what the method needs; nothing may be run then.
    """
    os.chdir("/")
    _limit(resource.RLIMIT_CPU, job["cpu_seconds"])
    _limit(resource.RLIMIT_FSIZE, job["output_kb"] << 10)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_STACK, STACK)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, job["memory_mb"] << 20)
    if job["method"] == "rlimits":
        _limit(resource.RLIMIT_NPROC, 0)  # root is exempt
        return
    libraries = [path for path in sys.path if os.path.isdir(path)]  # noqa: PTH112
    if job["method"] == "landlock":
        _restrict_files(libraries)
    else:
        _enter_namespaces(libraries)
    # Root's privileges go too: with them it could raise its limits again.
    call("capset", struct.pack("Ii", CAPABILITY_VERSION, 0), bytes(24))
    refuse_calls(seccomp.program(platform.machine(), os.getpid()))


def refuse_calls(instructions: list[seccomp.Instruction]) -> None:
    """Have the kernel ask this filter about every system call of this process from now on."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in instructions))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, struct.pack("HP", len(instructions), ctypes.addressof(code)))


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library; integers are passed as ``unsigned long``.

    Raises:
        OSError: It failed.
    """
    function = getattr(_LIBC, name)
    function.restype = ctypes.c_long
    result = function(*(ctypes.c_ulong(item) if isinstance(item, int) else item for item in arguments))
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


def _limit(name: int, value: int) -> None:
    """Set a limit for good. Soft and hard are one: the signal of the soft one for time could be ignored."""
    hard = resource.getrlimit(name)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(name, (value, value))


def _restrict_files(libraries: list[str]) -> None:
    """By Landlock, leave this process the standard library to read: no other file, and none to write."""
    version = call("syscall", CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    rights = (1 << FILE_RIGHTS[min(version, max(FILE_RIGHTS))]) - 1
    attributes = struct.pack("QQQ", rights, NETWORK_RIGHTS, SCOPES)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = call("syscall", CREATE_RULESET, attributes, len(attributes), 0)
    for library in libraries:
        # Entry by entry, because a right to a folder cannot be taken back for what is beneath it.
        entries = [f"{library}/{name}" for name in os.listdir(library) if name not in PACKAGES]  # noqa: PTH208
        for path in (library, *entries):
            allowed = (READ_FILE if path != library else 0) | (READ_DIR if os.path.isdir(path) else 0)  # noqa: PTH112
            with suppress(FileNotFoundError):  # a link to nowhere
                beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
                call("syscall", ADD_RULE, ruleset, RULE_PATH_BENEATH, struct.pack("=Qi", allowed, beneath), 0)
                os.close(beneath)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    call("syscall", RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _enter_namespaces(libraries: list[str]) -> None:
    """Make a root that holds the standard library alone, read-only, in the place where it was; no network device."""
    outer = [path for path in libraries if not any(path.startswith(f"{other}/") for other in libraries)]
    packages = [f"{library}/{name}" for library in outer for name in PACKAGES]
    hidden = [path for path in packages if os.path.isdir(path)]  # noqa: PTH112
    _unshare()
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for path in outer:
        os.makedirs(ROOT + path, exist_ok=True)  # noqa: PTH103
        _mount(path, ROOT + path, None, MS_BIND | MS_REC)
        _make_read_only(ROOT + path)
    for path in hidden:
        _mount("tmpfs", ROOT + path, "tmpfs", MS_RDONLY)
    _make_read_only(ROOT)
    os.chroot(ROOT)
    os.chdir("/")


def _unshare() -> None:
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET
    try:
        call("unshare", flags | CLONE_NEWUSER)
    except PermissionError:
        call("unshare", flags)  # root may, where user namespaces are switched off
        return
    for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{file}", "w") as opened:  # noqa: PTH123
            opened.write(text)
    end_with_parent()  # forgotten with the privileges that came and went


def _make_read_only(path: str) -> None:
    flags = os.statvfs(path).f_flag
    kept = flags & KEPT_FLAGS | (MS_RELATIME if flags & ST_RELATIME else 0)
    _mount(None, path, None, MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    texts = [text.encode() if text is not None else None for text in (source, target, kind, options)]
    call("mount", *texts[:3], flags, texts[3])
