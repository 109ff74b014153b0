"""The model that is trained: the library's, with less kept for the backward pass, with dropout, with adapters.

All of it is put into the loaded model, without touching the library's source. Autograd keeps the operands of every
operation: of a root-mean-square norm three tensors in float32, of a gated unit the activation besides its input. Here
each is one operation, with its gradient written out.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import MethodType
from typing import Any

import deepspeed
import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.activations import SiLUActivation
from transformers.models.llama.modeling_llama import LlamaMLP, LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralMLP, MistralRMSNorm

from stages.core.errors import InputError
from stages.training.attention import implementation
from stages.training.recipe import Lora, Recipe

ADAPTER = "default"
NORMS = (LlamaRMSNorm, MistralRMSNorm)
GATED_UNITS = (LlamaMLP, MistralMLP)
"""Classes known to compute exactly what is written out here; others stay as the library has them."""


def load(base: Path, recipe: Recipe) -> PreTrainedModel:
    dtype: torch.dtype = getattr(torch, recipe.dtype)
    kernel = implementation(dtype)
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, attn_implementation=kernel)
    keep_less(model)
    if recipe.residual_dropout:
        add_residual_dropout(model, recipe.residual_dropout)
    if recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return with_adapters(model, recipe.lora) if recipe.lora else model


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


def add_residual_dropout(model: PreTrainedModel, top: float) -> None:
    """Drop out what attention and MLP add to the residual stream: 0 at the bottom layer, ``top`` at the top one.

    Linear between (LIMA, Zhou et al. 2023, section 3, after Ouyang et al. 2022).

    Raises:
        InputError: What attention and MLP give is normalised before it is added, as in Gemma 2 and 3.
    """
    layers = model.get_decoder().layers
    if hasattr(layers[0], "post_feedforward_layernorm"):
        raise InputError(
            f"{type(model).__name__} normalises what it adds to the residual stream, which residual_dropout does not "
            "reach: set `residual_dropout: 0.0` in the scale's `finetune`"
        )
    for index, layer in enumerate(layers):
        rate = top * index / max(len(layers) - 1, 1)
        for module in (layer.self_attn, layer.mlp):
            module.register_forward_hook(partial(_dropped, rate))


def _dropped(rate: float, module: nn.Module, _: Any, output: Tensor | tuple[Tensor, ...]) -> Any:
    if isinstance(output, tuple):
        return F.dropout(output[0], rate, module.training), *output[1:]
    return F.dropout(output, rate, module.training)


def with_adapters(model: PreTrainedModel, lora: Lora) -> PreTrainedModel:
    """The same model, its linear layers wrapped and all but the adapters frozen."""
    sizes: dict[str, Any] = {"r": lora.rank, "lora_alpha": lora.alpha, "lora_dropout": lora.dropout}
    config = LoraConfig(**sizes, target_modules=lora.targets, task_type="CAUSAL_LM")
    wrapped: PreTrainedModel = get_peft_model(model, config).get_base_model()  # type: ignore[assignment]
    return wrapped


def has_adapters(model: PreTrainedModel) -> bool:
    return any(isinstance(module, LoraLayer) for module in model.modules())


@torch.no_grad()
def merged(model: PreTrainedModel, sharded: bool) -> Iterator[tuple[str, Tensor]]:
    """Plain names and weights on the CPU, adapters added; one layer is gathered at a time where they are sharded."""
    for name, module in model.named_modules():
        if {"base_layer", "lora_A", "lora_B", "lora_dropout"} & {*name.split(".")}:  # merged with its layer
            continue
        parameters = [*module.named_parameters(recurse=isinstance(module, LoraLayer))]
        with deepspeed.zero.GatheredParameters([parameter for _, parameter in parameters], enabled=sharded):
            if isinstance(module, LoraLayer):
                base = module.get_base_layer()
                weight = base.weight.float() + module.get_delta_weight(ADAPTER).float()  # type: ignore[attr-defined]
                yield f"{name}.weight", weight.to(base.weight.dtype).cpu()
                if base.bias is not None:
                    yield f"{name}.bias", base.bias.detach().to("cpu", copy=True)  # type: ignore[operator]
            else:
                for own, parameter in parameters:
                    yield f"{name}.{own}".lstrip("."), parameter.detach().to("cpu", copy=True)
