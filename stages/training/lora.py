"""Low-rank adapters: put in before training, merged into plain weights after it."""

from collections.abc import Iterator

import deepspeed
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor
from transformers import PreTrainedModel

from stages.training.recipe import Lora

ADAPTER = "default"


def with_adapters(model: PreTrainedModel, lora: Lora) -> PreTrainedModel:
    """The same model, its linear layers wrapped and all but the adapters frozen."""
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        task_type="CAUSAL_LM",
    )
    wrapped: PreTrainedModel = get_peft_model(model, config).get_base_model()  # type: ignore[assignment]
    return wrapped


def has_adapters(model: PreTrainedModel) -> bool:
    return any(isinstance(module, LoraLayer) for module in model.modules())


@torch.no_grad()
def merged(model: PreTrainedModel, sharded: bool) -> Iterator[tuple[str, Tensor]]:
    """Plain names and weights on the CPU, adapters added; one layer is gathered at a time where they are sharded."""
    for name, module in model.named_modules():
        parameters = [*module.named_parameters(recurse=isinstance(module, LoraLayer))]
        if _inside_adapter(name):
            continue
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


def _inside_adapter(name: str) -> bool:
    return any(part in name.split(".") for part in ("base_layer", "lora_A", "lora_B", "lora_dropout"))
