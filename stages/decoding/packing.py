"""Linear layers whose weights oneDNN has laid out once, for answering on a CPU.

In float32 on two AVX2 cores, against the default kernels: 1.1 times faster with 512 rows, 1.5 times with 16, and
2 to 3.5 times where a few rows are projected to a vocabulary of 49,152; in bfloat16 on two cores that have it, 1.1 to
1.6 times with 64 rows and 1.3 to 2.1 times with 16. Only where ``decoding.packed`` asks for it: how
oneDNN takes a sum hangs on the size of the processor's caches, also where it is held to one instruction set.
"""

import torch
from torch import Tensor, nn

ROWS_HINT = 64


class PackedLinear(nn.Module):
    """``y = x Wᵀ + b`` with weights in oneDNN's own layout; for inference alone."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight_packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), ROWS_HINT)
        self.bias = linear.bias

    def forward(self, hidden: Tensor) -> Tensor:
        out: Tensor = torch.ops.mkldnn._linear_pointwise(hidden, self.weight_packed, self.bias, "none", [], "")
        return out


def pack_linear_layers(model: nn.Module) -> None:
    """Replace every linear layer on the CPU, in float32, or bfloat16 where its processor can; else nothing changes."""
    packable = {torch.float32} if torch.backends.mkldnn.is_available() else set()
    if packable and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        packable.add(torch.bfloat16)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear and child.weight.dtype in packable and child.weight.device.type == "cpu":
                setattr(module, name, PackedLinear(child))
