"""Landlock: a process gives up, for good and without privilege, all files but those it names.

Source: Linux, include/uapi/linux/landlock.h and Documentation/userspace-api/landlock.rst.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from stages.sandbox.inside import libc

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1

WRITE_FILE, READ_FILE, READ_DIR, REMOVE_FILE, MAKE_REG, TRUNCATE = (1 << bit for bit in (1, 2, 3, 5, 8, 14))
# How many rights to files each version of the interface knows; later ones than these know the last.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
NETWORK_RIGHTS = 0b11  # bind and connect, from version 4
SCOPES = 0b11  # abstract sockets and signals, from version 6


class Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Which version of Landlock the kernel has.

    Raises:
        OSError: The kernel has none, or it is switched off.
    """
    return libc.call("syscall", CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)


def restrict(read_only: list[str], listed: list[str], writable: str) -> None:
    """Leave this process nothing but the named files and folders, each with all beneath it.

    Args:
        read_only: Files and folders that may be read.
        listed: Folders whose names may be listed, without what is in the files.
        writable: The folder in which plain files may be made, read, written and removed.
    """
    known = version()
    rights = (1 << FILE_RIGHTS[min(known, max(FILE_RIGHTS))]) - 1
    with _ruleset(known, rights) as ruleset:
        for path in listed:
            _allow(ruleset, path, READ_DIR)
        for path in read_only:
            _allow(ruleset, path, READ_FILE | READ_DIR if os.path.isdir(path) else READ_FILE)  # noqa: PTH112
        _allow(ruleset, writable, (WRITE_FILE | READ_FILE | READ_DIR | REMOVE_FILE | MAKE_REG | TRUNCATE) & rights)
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        libc.call("syscall", RESTRICT_SELF, ruleset, 0)


@contextmanager
def _ruleset(known: int, rights: int) -> Iterator[int]:
    attributes = Ruleset(rights, NETWORK_RIGHTS, SCOPES)
    size = 8 if known < 4 else 16 if known < 6 else 24
    descriptor = libc.call("syscall", CREATE_RULESET, ctypes.byref(attributes), size, 0)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:  # a link to nowhere
        return
    try:
        rule = PathBeneath(rights, parent)
        libc.call("syscall", ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
