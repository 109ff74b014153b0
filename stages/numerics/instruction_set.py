"""One instruction set for all x86-64 processors, so that float32 results have the same bytes on all that have AVX2.

PyTorch, oneDNN and MKL each choose kernels by the processor: sums are then taken in another order, and the last bits
differ. Limited to AVX2, which every such processor of the last ten years has, they all choose the same. In float32 this
costs little, as measured in docs/reproducing.md. In bfloat16 it would cost the instructions that make it fast, so there
nothing is limited, and results have the same bytes only on processors of one kind.
"""

import os
import platform

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # linear layers as packed for answering
    "MKL_CBWR": "AVX2",  # matrix products of training; Intel's conditional numerical reproducibility
}


def hold(dtype: str) -> None:
    """Limit the libraries to AVX2 where ``dtype`` is float32; variables that are already set stay as they are.

    This must be called before the first operation of the process, since each library chooses once.
    """
    if dtype == "float32" and platform.machine().lower() in {"x86_64", "amd64"}:
        for name, value in AVX2.items():
            os.environ.setdefault(name, value)


def wait_passively() -> None:
    """Have threads sleep while they wait for others, instead of spinning; must be called before torch is imported.

    OpenMP reads the variable when it is loaded. Beside another busy process, spinning made training ten times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
