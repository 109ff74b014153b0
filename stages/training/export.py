"""The trained model as a folder that ``from_pretrained`` and servers load as it is."""

import logging
from pathlib import Path

import deepspeed
import torch
from deepspeed import DeepSpeedEngine
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from stages.training.engine import rank
from stages.training.lora import has_adapters, merged

logger = logging.getLogger(__name__)


def export(engine: DeepSpeedEngine, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write weights (safetensors), tokenizer, chat template and stops; all processes take part, the first writes."""
    weights = whole_weights(engine, model)
    if rank() > 0:
        return
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
    )
    model.config.use_cache = True
    model.save_pretrained(out, state_dict=weights)
    tokenizer.save_pretrained(out)


def whole_weights(engine: DeepSpeedEngine, model: PreTrainedModel) -> dict[str, Tensor]:
    """The state dictionary on the CPU; under ZeRO-3 parameters are gathered one at a time."""
    weights: dict[str, Tensor] = {}
    sharded = engine.zero_optimization_stage() == 3
    if has_adapters(model):
        return {name: weight for name, weight in merged(model, sharded) if rank() == 0}
    for name, parameter in model.named_parameters():
        with deepspeed.zero.GatheredParameters([parameter], enabled=sharded):
            if rank() == 0:
                weights[name] = parameter.detach().to("cpu", copy=True)
    if rank() == 0:
        weights |= {name: tensor for name, tensor in model.state_dict().items() if _tied(name, tensor, weights)}
    return weights


def _tied(name: str, tensor: Tensor, weights: dict[str, Tensor]) -> bool:
    """Buffers that are saved; tied parameters are written once, under their first name."""
    return name not in weights and not isinstance(tensor, torch.nn.Parameter) and "lm_head" not in name
