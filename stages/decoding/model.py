"""A model folder, loaded for answering."""

import sys
from dataclasses import dataclass
from pathlib import Path

# transformers imports DeepSpeed wherever it is installed, which takes seconds; answering needs none of it.
sys.modules.setdefault("deepspeed", None)  # type: ignore[arg-type]

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from stages import instruction_set
from stages.decoding.attention import RIGHT_ALIGNED, implementation
from stages.decoding.packing import pack_linear_layers
from stages.decoding.parameters import Decoding
from stages.errors import InputError
from stages.memory import keep_freed_memory


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
    instruction_set.hold(decoding.dtype)
    keep_freed_memory()
    torch.set_num_threads(decoding.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs time; nothing here reads such memory
    tokenizer = AutoTokenizer.from_pretrained(folder)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=getattr(torch, decoding.dtype),
        attn_implementation=implementation(AutoConfig.from_pretrained(folder), device),
    )
    model = model.to(device).eval()  # type: ignore[arg-type]
    if decoding.packed:
        pack_linear_layers(model)
    return Loaded(model, tokenizer, frozenset(_stops(model, tokenizer)))


def _stops(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    named = model.generation_config.eos_token_id if model.generation_config else None
    listed = named if isinstance(named, list) else [named]
    return {token for token in [*listed, tokenizer.eos_token_id] if token is not None}
