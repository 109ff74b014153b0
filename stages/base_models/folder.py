"""A model folder, of one's own or from the Hub: every file is checked before anything is made of it.

Weights are safetensors and nothing else, and no code of the folder is run.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from stages.base_models.checking import check_tokenizer, check_weights, reading
from stages.core.errors import InputError

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
MAPPINGS = frozenset({
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", INDEX,
})  # fmt: skip
"""The JSON files that the library reads."""
LFS = b"version https://git-lfs"


def from_folder(folder: Path, told: str, dtype: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model folder's weights, stored as ``dtype``, and tokenizer; ``told`` is what messages call the folder.

    Raises:
        InputError: It is no model folder, or a file is missing, damaged or of another kind: it is named.
    """
    held = _check_files(folder, told)
    with reading(f"{told}: config.json"):
        AutoConfig.from_pretrained(folder, trust_remote_code=False)
    others = "its tokenizer, which has no tokenizer.json,"
    if (folder / "tokenizer.json").exists():
        others = "tokenizer_config.json, or another file of its tokenizer,"
        with reading(f"{told}: tokenizer.json"):
            Tokenizer.from_file(str(folder / "tokenizer.json"))
    with reading(f"{told}: {others}", "put the model's own there"):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        check_tokenizer(tokenizer, told)
    if (folder / "generation_config.json").exists():
        with reading(f"{told}: generation_config.json"):
            ends = GenerationConfig.from_pretrained(folder).eos_token_id
            if not all(end is None or type(end) is int for end in (ends if isinstance(ends, list) else [ends])):
                raise ValueError(f"eos_token_id is {ends!r}, expected the number of a token, or several")
    with reading(f"{told}: config.json does not fit {_file_of('', held)}, or", "put the model's own there"):
        both: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # told below, by name
            output_loading_info=True,
        )
    model, found = both
    for name, here, asked in found["mismatched_keys"]:
        raise InputError(
            f"{told}: {_file_of(name, held)} has {name} in the shape {list(here)}, config.json asks for {list(asked)}: "
            "bring both of the same model"
        )
    if missing := sorted(found["missing_keys"]):
        raise InputError(
            f"{told}: {_file_of('', held)} lacks {len(missing)} of the weights that config.json asks for, among them "
            f"{missing[0]}: put all of the model's own files there"
        )
    check_weights(model, tokenizer, told, lambda name: f"{told}: {_file_of(name, held)}")
    return model, tokenizer


def _check_files(folder: Path, told: str) -> dict[str, str]:
    """Read every JSON file, the chat template and the headers of the weights; the file of each weight, by its name."""
    if not (folder / "config.json").is_file():
        raise InputError(f"{told} holds no config.json: a model folder is expected there")
    if (folder / "adapter_config.json").is_file():  # the library would fetch the model that it names instead
        raise InputError(f"{told} holds adapter_config.json, an adapter: merge it into its model, and bring that")
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        with reading(f"{told}: {path.name}"):
            content = found[path.name] = json.loads(path.read_bytes())
            if path.name in MAPPINGS and not isinstance(content, dict):
                raise ValueError(f"expected a mapping, found {str(content)[:40]!r}")
    for template in folder.glob("*.jinja"):
        with reading(f"{told}: {template.name}"):
            template.read_text(encoding="utf-8")
    if "transformers_weights" in found["config.json"]:
        raise InputError(f"{told}: config.json names other weights (transformers_weights): save them as {WEIGHTS}")
    if (folder / WEIGHTS).exists():
        files = [WEIGHTS]
    elif INDEX in found:
        files = _shards(folder, found[INDEX], told)
    else:
        raise InputError(
            f"{told} holds no weights, neither {WEIGHTS} nor {INDEX}: other forms of weights can run code and are not "
            "read; save the model by `save_pretrained`, which writes safetensors"
        )
    return {weight: file for file in files for weight in _names(folder / file, told)}


def _shards(folder: Path, index: dict[str, Any], told: str) -> list[str]:
    """The files that an index names: each stands beside it, so that nothing is read from elsewhere."""
    shards = index.get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise InputError(f"{told}: {INDEX} is damaged, it has no `weight_map`: bring it again")
    for shard in shards.values():
        if not isinstance(shard, str) or not shard.isprintable() or Path(shard).name != shard:
            raise InputError(f"{told}: {INDEX} is damaged, {shard!r} is no file beside it: bring it again")
        if not shard.endswith(".safetensors"):
            raise InputError(f"{told}: {INDEX} names {shard}, which is no safetensors file: bring the weights as those")
    if missing := sorted({shard for shard in shards.values() if not (folder / shard).is_file()}):
        raise InputError(f"{told}: {', '.join(missing)} of {INDEX} is missing: bring it too")
    return sorted(set(shards.values()))


def _names(path: Path, told: str) -> list[str]:
    """The weights that a file's header lists; reading it checks all places and sizes."""
    with reading(f"{told}: {path.name}"):
        with path.open("rb") as file:
            if file.read(len(LFS)) == LFS:
                raise InputError(f"{told}: {path.name} is a pointer of Git LFS: fetch the file by `git lfs pull`")
        with safe_open(path, framework="pt") as weights:
            return list(weights.keys())


def _file_of(weight: str, held: Mapping[str, str]) -> str:
    """The file that holds a weight, or should."""
    return held.get(weight) or (INDEX if len({*held.values()}) > 1 else WEIGHTS)
