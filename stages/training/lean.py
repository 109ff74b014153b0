"""Norms and gated units that keep less for the backward pass, put into a model without touching the library's source.

Autograd keeps the operands of every operation: of a root-mean-square norm three tensors in float32, of a gated unit the
activation besides its input. Here each is one operation, with its gradient written out.
"""

from types import MethodType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.activations import SiLUActivation
from transformers.models.llama.modeling_llama import LlamaMLP, LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralMLP, MistralRMSNorm

NORMS = (LlamaRMSNorm, MistralRMSNorm)
GATED_UNITS = (LlamaMLP, MistralMLP)
"""What is known to compute just what is written out here; all else stays as the library has it."""


def keep_less(model: PreTrainedModel) -> None:
    """Replace the forward pass of the model's norms and gated units by one that computes the same."""
    for module in model.modules():
        if type(module) in NORMS:
            module.forward = MethodType(_normed, module)
        elif type(module) in GATED_UNITS and isinstance(module.act_fn, nn.SiLU | SiLUActivation):
            module.forward = MethodType(_gated_unit, module)


def _normed(module: nn.Module, hidden_states: Tensor) -> Tensor:
    normed: Tensor = RootMeanSquareNorm.apply(hidden_states, module.weight, module.variance_epsilon)
    return normed


def _gated_unit(module: LlamaMLP | MistralMLP, x: Tensor) -> Tensor:
    output: Tensor = module.down_proj(GatedProduct.apply(module.gate_proj(x), module.up_proj(x)))
    return output


class RootMeanSquareNorm(torch.autograd.Function):
    """``weight * x / sqrt(mean(x²) + epsilon)``, in float32 but for the last product (Zhang and Sennrich 2019)."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        """Shapes: hidden and result ``[..., width]``, weight ``[width]``."""
        wide = hidden.float()
        inverse = wide.square().mean(dim=-1, keepdim=True).add_(epsilon).rsqrt_()
        ctx.save_for_backward(hidden, weight, inverse)
        return (wide * inverse).to(hidden.dtype) * weight

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """With n the normed values and g the weighted gradient: ``inverse * (g - n * mean(g * n))``."""
        hidden, weight, inverse = ctx.saved_tensors
        normed, gradient = hidden.float() * inverse, gradients[0].float()
        products = (gradient * normed).flatten(0, -2)
        of_weight = products.sum(dim=0).to(weight.dtype) if ctx.needs_input_grad[1] else None
        mean = torch.mv(products, weight.float()).div_(hidden.shape[-1]).view_as(inverse)
        of_hidden = torch.addcmul(gradient * weight, normed, mean, value=-1).mul_(inverse).to(hidden.dtype)
        return of_hidden, of_weight, None


class GatedProduct(torch.autograd.Function):
    """``silu(gate) * up`` (SwiGLU without its projections, Shazeer 2020)."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        return F.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        gate, up = ctx.saved_tensors
        of_gate = torch.ops.aten.silu_backward(gradients[0] * up, gate)
        return of_gate, F.silu(gate).mul_(gradients[0])
