"""A process gives up, for good, all that a model-written program shall not have.

Nothing in this folder may import more than the standard library: it runs in an interpreter that sees nothing else.
"""

import ctypes
import os
import resource
import sys
from typing import Literal, TypedDict

from stages.sandbox.inside import landlock, libc, namespaces, seccomp

# How files are kept away; ``rlimits`` keeps nothing away and only limits what is used.
Method = Literal["landlock", "namespaces", "rlimits"]

CONFINED = "confined"  # said before anything is run
OPEN_FILES = 64
MOST_FILES = 1000
STACK = 8 << 20
PACKAGES = ("site-packages", "dist-packages")  # among them the benchmark's own answers
CAPABILITY_VERSION = 0x20080522


class Job(TypedDict):
    """One program to judge.

    Attributes:
        folder: Holds ``program.json``, ``tests.json`` and the empty folders ``guest`` and ``referee``.
    """

    folder: str
    method: Method
    cpu_seconds: int
    wall_seconds: int
    memory_mb: int
    output_kb: int
    file_kb: int


def confine(job: Job, name: str) -> None:
    """Leave this process the standard library to read, the empty folder of this name, and its limits.

    Raises:
        OSError: The machine does not offer what the method needs; nothing may be run then.
    """
    folder = f"{job['folder']}/{name}"
    os.chdir(folder)
    _limit(resource.RLIMIT_CPU, job["cpu_seconds"])
    _limit(resource.RLIMIT_FSIZE, max(job["output_kb"], job["file_kb"]) << 10)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_STACK, STACK)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, job["memory_mb"] << 20)
    if job["method"] == "rlimits":
        _limit(resource.RLIMIT_NPROC, 0)  # root is exempt
        return
    _keep_files_away(job, folder)
    _drop_capabilities()
    seccomp.restrict()


def _limit(name: int, value: int) -> None:
    """Set a limit for good. Soft and hard are one: the signal of the soft one for time could be ignored."""
    hard = resource.getrlimit(name)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(name, (value, value))


def _keep_files_away(job: Job, folder: str) -> None:
    libraries = [path for path in sys.path if os.path.isdir(path)]  # noqa: PTH112
    if job["method"] == "landlock":
        # Entry by entry, because a right to a folder cannot be taken back for what is beneath it.
        entries = [f"{library}/{name}" for library in libraries for name in os.listdir(library)]  # noqa: PTH208
        landlock.restrict([path for path in entries if not path.endswith(PACKAGES)], libraries, folder)
    else:
        outer = [path for path in libraries if not any(path.startswith(f"{other}/") for other in libraries)]
        packages = [f"{library}/{name}" for library in outer for name in PACKAGES]
        hidden = [path for path in packages if os.path.isdir(path)]  # noqa: PTH112
        namespaces.enter(outer, hidden, folder, f"size={job['file_kb']}k,nr_inodes={MOST_FILES}")


def _drop_capabilities() -> None:
    """Root's privileges go too; else it could raise its limits again."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    libc.call("capset", header, nothing)
