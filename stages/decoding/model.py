"""A model folder, loaded for answering."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from stages.chat import rendering
from stages.core.errors import InputError
from stages.decoding.attention import RIGHT_ALIGNED, implementation
from stages.decoding.parameters import Decoding
from stages.records import numerics

ROWS_HINT = 64


@dataclass(frozen=True)
class Loaded:
    """A model in evaluation mode, its tokenizer, and the tokens that end a turn."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    stops: frozenset[int]

    @property
    def device(self) -> torch.device:
        device: torch.device = self.model.device
        return device

    @property
    def skips_padding(self) -> bool:
        """Whether attention asks for ``rows`` instead of a mask (stages/decoding/attention.py)."""
        return bool(self.model.config.get_text_config()._attn_implementation == RIGHT_ALIGNED)


def load(folder: Path, decoding: Decoding) -> Loaded:
    """The model of a folder, on the GPU where there is one."""
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} holds no model: run `dvc repro`, which makes it, or `dvc pull`")
    numerics.prepare(decoding.dtype, decoding.threads)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    attention = implementation(AutoConfig.from_pretrained(folder), device)
    dtype = getattr(torch, decoding.dtype)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention)
    model = model.to(device).eval()  # type: ignore[arg-type]
    if decoding.packed:
        pack_linear_layers(model)
    return Loaded(model, tokenizer, stops(model.generation_config, tokenizer))


def stops(config: GenerationConfig | None, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Tokens that end a turn: those that the model's folder names, and the mark by which its template ends one."""
    named = config.eos_token_id if config else None
    found = {*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id}
    with suppress(InputError):  # a chat model may have a template that no training could use
        found |= set(rendering.stops(tokenizer)) if tokenizer.chat_template else set()
    return frozenset(token for token in found if token is not None)


class PackedLinear(nn.Module):
    """``y = x Wᵀ + b`` with weights that oneDNN has laid out once; for inference on a CPU.

    In float32 on two AVX2 cores, against the default kernels: 1.1 times faster with 512 rows, 1.5 times with 16, and 2
    to 3.5 times where a few rows are projected to a vocabulary of 49,152; in bfloat16 on two cores that have it, 1.1 to
    1.6 times with 64 rows and 1.3 to 2.1 times with 16. The order in which oneDNN sums depends on the size of the
    processor's caches, also under one instruction set: ``decoding.packed`` asks for it.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight_packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), ROWS_HINT)
        self.bias = linear.bias

    def forward(self, hidden: Tensor) -> Tensor:
        out: Tensor = torch.ops.mkldnn._linear_pointwise(hidden, self.weight_packed, self.bias, "none", [], "")
        return out


def pack_linear_layers(model: nn.Module) -> None:
    """Replace every linear layer on the CPU, in float32, or bfloat16 where its processor can; else nothing changes."""
    if not torch.backends.mkldnn.is_available():
        return
    packable = {torch.float32} | ({torch.bfloat16} if torch.ops.mkldnn._is_mkldnn_bf16_supported() else set())
    for name, child in list(model.named_modules(remove_duplicate=False)):
        if type(child) is nn.Linear and child.weight.dtype in packable and child.weight.device.type == "cpu":
            model.set_submodule(name, PackedLinear(child))
