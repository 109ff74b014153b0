"""One instruction set for all x86-64 processors, so that float32 results have the same bytes on all that have AVX2.

PyTorch, oneDNN and MKL each choose kernels by the processor: sums are then taken in another order, and the last bits
differ. Held to AVX2, which every such processor of the last ten years has, they choose alike; in float32 this costs
little, as measured in docs/reproducing.md. In bfloat16 it would cost the instructions that make it fast, so there
nothing is held, and results are the same bytes on one kind of processor alone.
"""

import os
import platform

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # linear layers as packed for answering
    "MKL_CBWR": "AVX2",  # matrix products of training; Intel's conditional numerical reproducibility
}


def hold(dtype: str) -> None:
    """Hold the libraries to AVX2 where ``dtype`` is float32; what the environment already names stays.

    It counts only before the first operation of the process, since each library chooses once.
    """
    if dtype == "float32" and platform.machine().lower() in {"x86_64", "amd64"}:
        for name, value in AVX2.items():
            os.environ.setdefault(name, value)


def wait_passively() -> None:
    """Have a thread that waits for others sleep instead of turning in a loop; to be called before torch comes in.

    OpenMP reads it when it is loaded. Beside another busy process, turning threads made training ten times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
