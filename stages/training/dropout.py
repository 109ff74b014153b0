"""Residual dropout that rises with depth, added to a model without touching the library's source."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.errors import InputError


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
            module.register_forward_hook(_dropping(rate))


def _dropping(rate: float) -> Callable[..., Any]:
    def hook(
        module: nn.Module, args: tuple[Tensor, ...], output: Tensor | tuple[Tensor, ...]
    ) -> Tensor | tuple[Tensor, ...]:
        if isinstance(output, tuple):
            return F.dropout(output[0], rate, module.training), *output[1:]
        return F.dropout(output, rate, module.training)

    return hook
