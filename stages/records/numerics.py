"""How a process computes: by which instructions, with which threads, with which memory.

PyTorch, oneDNN and MKL each choose kernels by the processor: sums are then taken in another order, and the last bits
differ. Limited to AVX2, which every x86-64 processor of the last ten years has, they all choose the same, and float32
results have the same bytes on all of them. This costs little, as measured in docs/reproducing.md. In bfloat16 it would
cost the instructions that make it fast, so there nothing is limited, and results have the same bytes only on processors
of one kind.
"""

import ctypes
import os
import platform

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # linear layers as packed for answering
    "MKL_CBWR": "AVX2",  # matrix products of training; Intel's conditional numerical reproducibility
}
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""glibc's ``malloc.h``."""


def wait_passively() -> None:
    """Have threads sleep while they wait for others, instead of spinning; must be called before torch is imported.

    OpenMP reads the variable when it is loaded. Beside another busy process, spinning made training ten times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def prepare(dtype: str, threads: int) -> None:
    """Fix all that bytes depend on but seeds; must be called before the first operation, as libraries choose once."""
    import torch

    hold_to_avx2(dtype)
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It costs seconds, and nothing here reads such memory.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def hold_to_avx2(dtype: str) -> None:
    """Limit the libraries where ``dtype`` is float32; variables that are already set stay as they are."""
    if dtype == "float32" and platform.machine().lower() in {"x86_64", "amd64"}:
        for name, value in AVX2.items():
            os.environ.setdefault(name, value)


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
