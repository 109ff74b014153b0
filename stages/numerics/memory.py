"""Memory for long work on a CPU, where each step allocates the same blocks again."""

import ctypes
import os

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""glibc's ``malloc.h``."""


def keep_freed_memory() -> None:
    """Have the C library keep what is freed, and torch ask for large pages; to be called before the first tensor.

    Returning memory to the system and getting it back page by page takes a third of an optimizer step, and a tenth of a
    step of generation. No value changes. Without glibc, or without large pages, this does nothing.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)
