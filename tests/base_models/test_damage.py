"""Models that others bring, damaged in every way: the stage names the file, says what to do, and writes nothing."""

import json
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages.base_models import checking
from stages.chat.templates import check_template
from stages.core.errors import InputError
from tests.import_graph import ROOT
from tests.tokenizers import tokenizer

Change = Callable[[Path], object]
WEIGHTS, INDEX, TEMPLATE = "model.safetensors", "model.safetensors.index.json", "chat_template.jinja"
NORM, MLP = "model.norm.weight", "model.layers.1.mlp.up_proj.weight"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


def put(name: str, content: bytes) -> Change:
    return lambda folder: (folder / name).write_bytes(content)


def without(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def torn(name: str) -> Change:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-60])


def nowhere(name: str) -> Change:
    """A link to nothing, as a cache has it that was cleaned by hand."""
    return lambda folder: ((folder / name).unlink(), (folder / name).symlink_to("/nowhere/at/all"))


def values(name: str, **new: object) -> Change:
    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | new))

    return change


def weights(how: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    def change(folder: Path) -> None:
        found = load_file(folder / WEIGHTS)
        how(found)
        save_file(found, folder / WEIGHTS, metadata={"format": "pt"})

    return change


def header(how: Callable[[dict[str, dict[str, object]]], object]) -> Change:
    def change(folder: Path) -> None:
        content = (folder / WEIGHTS).read_bytes()
        end = 8 + struct.unpack("<Q", content[:8])[0]
        found = json.loads(content[8:end])
        how(found)
        text = json.dumps(found).encode()
        (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + content[end:])

    return change


def sharded(change: Change) -> Change:
    def cut(folder: Path) -> None:
        model = AutoModelForCausalLM.from_pretrained(folder)
        (folder / WEIGHTS).unlink()
        model.save_pretrained(folder, max_shard_size="200KB")
        change(folder)

    return cut


def renamed(shard: object) -> Change:
    """An index that has the last norm in another file."""

    def change(folder: Path) -> None:
        index = json.loads((folder / INDEX).read_text())
        index["weight_map"][NORM] = shard
        (folder / INDEX).write_text(json.dumps(index))

    return sharded(change)


def moved_up(folder: Path) -> None:
    """Shards that are there, in the folder above."""
    index = json.loads((folder / INDEX).read_text())
    for shard in set(index["weight_map"].values()):
        (folder / shard).rename(folder.parent / shard)
    index["weight_map"] = {name: f"../{shard}" for name, shard in index["weight_map"].items()}
    (folder / INDEX).write_text(json.dumps(index))


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def bad(name: str) -> str:
    return rf"{name} is damaged or of another kind \(.*\): bring it again"


KINDS: dict[str, tuple[Change, str]] = {
    "weights torn": (torn(WEIGHTS), bad(WEIGHTS)),
    "weights empty": (put(WEIGHTS, b""), bad(WEIGHTS)),
    "weights of zeros alone": (put(WEIGHTS, bytes(9999)), bad(WEIGHTS)),
    "a page in place of weights": (put(WEIGHTS, b"<!DOCTYPE html><html>404</html>"), bad(WEIGHTS)),
    "a pointer in place of weights": (put(WEIGHTS, POINTER), rf"{WEIGHTS} is a pointer of Git LFS: .*`git lfs pull`"),
    "weights missing": (without(WEIGHTS), rf"holds no weights, neither {WEIGHTS} nor {INDEX}"),
    "weights pickled": (pickled, rf"holds no weights, neither {WEIGHTS} .* other forms of weights can run code"),
    "weights that are linked to nothing": (nowhere(WEIGHTS), rf"holds no weights, neither {WEIGHTS}"),
    "weights that are not numbers": (
        weights(lambda found: found[NORM].__setitem__(3, float("nan"))),
        rf"{WEIGHTS}: the weight {NORM} holds NaN or infinite values: bring the weights again",
    ),
    "weights that are infinite": (
        weights(lambda found: found[NORM].__setitem__(3, float("inf"))),
        rf"{WEIGHTS}: the weight {NORM} holds NaN or infinite values",
    ),
    "a weight missing": (weights(lambda found: found.pop(MLP)), rf"{WEIGHTS} lacks 1 of the weights .* {MLP}: put all"),
    "weights of another shape": (
        weights(lambda found: found.update({NORM: torch.ones(7)})),
        rf"{WEIGHTS} has {NORM} in the shape \[7\], config\.json asks for \[64\]: bring both of the same model",
    ),
    "a header that lies on places": (
        header(lambda found: found[NORM].update(data_offsets=[10**9, 10**9 + 256])),
        bad(WEIGHTS),
    ),
    "a header that lies on sizes": (header(lambda found: found[NORM].update(shape=[2**40, 2**40])), bad(WEIGHTS)),
    "a header without end": (put(WEIGHTS, struct.pack("<Q", 2**62) + bytes(99)), bad(WEIGHTS)),
    "an index torn": (sharded(torn(INDEX)), bad(INDEX)),
    "an index that is a list": (sharded(put(INDEX, b"[]")), bad(INDEX)),
    "an index of nothing": (sharded(put(INDEX, b'{"weight_map": {}}')), rf"{INDEX} is damaged, it has no `weight_map`"),
    "an index of a file that is not there": (
        renamed("model-9.safetensors"),
        rf"model-9\.safetensors of {INDEX} is missing: bring it too",
    ),
    "an index of a file elsewhere": (
        sharded(moved_up),
        rf"{INDEX} is damaged, '\.\./model-.*' is no file beside it: bring it again",
    ),
    "an index of a file of the machine": (renamed("/etc/passwd"), rf"{INDEX} is damaged, '/etc/passwd' is no file"),
    "an index of a number": (renamed(5), rf"{INDEX} is damaged, 5 is no file beside it"),
    "an index of another kind of file": (
        renamed("config.json"),
        rf"{INDEX} names config\.json, which is no safetensors",
    ),
    "a shard torn": (
        sharded(lambda folder: torn(min(folder.glob("model-*")).name)(folder)),
        bad(r"model-00001-of-00003\.safetensors"),
    ),
    "an adapter": (put("adapter_config.json", b"{}"), r"holds adapter_config\.json, an adapter: merge it"),
    "weights named elsewhere": (
        values("config.json", transformers_weights="other.safetensors"),
        r"config\.json names other weights",
    ),
    "configuration torn": (torn("config.json"), bad(r"config\.json")),
    "configuration empty": (put("config.json", b""), bad(r"config\.json")),
    "configuration missing": (without("config.json"), r"holds no config\.json: a model folder is expected there"),
    "configuration that is a list": (put("config.json", b"[]"), bad(r"config\.json")),
    "configuration of nothing": (put("config.json", b"{}"), bad(r"config\.json")),
    "configuration with text for a number": (values("config.json", hidden_size="big"), bad(r"config\.json")),
    "configuration of a kind unknown": (values("config.json", model_type="llama9"), bad(r"config\.json")),
    "configuration that brings code": (
        values("config.json", model_type="mine", auto_map={"AutoConfig": "evil.Config"}),
        bad(r"config\.json"),
    ),
    "configuration that cannot be built": (
        values("config.json", hidden_act="wow"),
        rf"config\.json does not fit {WEIGHTS}, or is damaged .*: put the model's own there",
    ),
    "defaults of generation that are no tokens": (
        values("generation_config.json", eos_token_id="x"),
        bad(r"generation_config\.json"),
    ),
    "tokenizer torn": (torn("tokenizer.json"), bad(r"tokenizer\.json")),
    "tokenizer missing": (
        without("tokenizer.json"),
        r"tokenizer, which has no tokenizer\.json, .*: put the model's own",
    ),
    "tokenizer that is linked to nothing": (nowhere("tokenizer.json"), bad(r"tokenizer\.json")),
    "tokenizer of nothing": (put("tokenizer.json", b"{}"), bad(r"tokenizer\.json")),
    "tokenizer nested": (put("tokenizer.json", b"[" * 100_000), bad(r"tokenizer\.json")),
    "tokenizer without words": (
        lambda folder: values(
            "tokenizer.json", model=json.loads((folder / "tokenizer.json").read_text())["model"] | {"vocab": {}}
        )(folder),
        r"tokenizer\.json makes no tokens of a text: bring it again",
    ),
    "tokenizer of another model": (
        lambda folder: tokenizer("smollm2-135m").save_pretrained(folder),
        r"tokenizer\.json has a token .* of number 49151, its model 258 embeddings: .* belong to different models",
    ),
    "tokenizer's settings torn": (torn("tokenizer_config.json"), bad(r"tokenizer_config\.json")),
    "tokenizer's settings a list": (put("tokenizer_config.json", b"[]"), bad(r"tokenizer_config\.json")),
    "tokenizer's settings without an end": (
        values("tokenizer_config.json", eos_token=None),
        r"tokenizer has no end of sequence: name `eos_token` in tokenizer_config\.json",
    ),
    "tokenizer's settings of another type": (
        values("tokenizer_config.json", model_max_length="much"),
        r"tokenizer_config\.json, or another file of its tokenizer, is damaged or of another kind",
    ),
    "template not of text": (put(TEMPLATE, b"\xff\xfe{{ x }}"), bad(r"chat_template\.jinja")),
    "template empty": (put(TEMPLATE, b""), r"models\.mine\.chat_template: the model has none of its own, name one of"),
}

LOOP = b"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
LIMITS = {
    "endless": (LOOP, r"does not end within 2 seconds of work, or needs more than \d+ MB"),
    "huge": (b"{{ 'x' * 9999999999 }}", r"MemoryError|needs more than"),
    "raising": (b"{{ raise_exception('no chats, please') }}", r"fails on a conversation of .*no chats, please"),
}
FAILING = {
    "long": ("{% for a in range(30000) %}x{% endfor %}" * 2, r"writes more than 20000 characters|changes|leaves out"),
    "curious": ("{{ messages.__class__.__mro__[1].__subclasses__() }}", r"SecurityError"),
    "broken": ("{% for", r"TemplateSyntaxError"),
    "odd": ("{{ 1 / 0 }}", r"ZeroDivisionError"),
}


def place(folder: Path, tiny: Path, change: Change) -> None:
    """A working folder with a damaged model that params.yaml names."""
    shutil.copytree(tiny, folder / "mine")
    change(folder / "mine")
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    words = {"origin": "One of ours.", "license": "MIT", "chat_template": None, "dtype": "float32"}
    content["models"]["mine"] = {"source": "folder", "path": "mine", **words}
    (folder / "params.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture
def bring(stage, tiny, tmp_path):
    """Run the stage on a model that was changed; its exit code."""

    def run(change: Change) -> int:
        place(tmp_path, tiny, change)
        return stage("mine")

    return run


def test_a_whole_model_in_several_files_is_brought(bring, tmp_path):
    assert bring(sharded(lambda folder: None)) == 0
    assert {"config.json", WEIGHTS, "tokenizer.json", TEMPLATE} <= {
        path.name for path in (tmp_path / "data/base/mine").iterdir()
    }


@pytest.fixture
def refused(bring, tmp_path, capsys):
    """What the stage says of a damaged model, after the checks that hold for all of them."""

    def run(change: Change) -> str:
        assert bring(change) == 2
        said = capsys.readouterr().err.partition("error: ")[2].strip()
        assert "\n" not in said
        assert len(said) < 450
        assert not re.search(r"\*\.|Traceback", said)
        assert list(tmp_path.glob("data/base/*")) == []
        return said

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_model_is_refused_and_the_file_named(refused, kind):
    change, told = KINDS[kind]
    assert re.match(rf"(mine:? |mine: its |params\.yaml: )({told})", refused(change))


@pytest.mark.parametrize("kind", LIMITS)
def test_a_template_that_harms_ends_in_a_message(refused, monkeypatch, kind):
    if kind == "endless":
        monkeypatch.setattr(checking, "SECONDS", 2)
    template, told = LIMITS[kind]
    said = refused(put(TEMPLATE, template))
    assert re.match(rf"models\.mine: its chat template .*({told}).*set `chat_template`", said)


@pytest.mark.parametrize("kind", FAILING)
def test_a_template_that_fails_is_told_why(tiny, kind):
    """What the process that tries a template checks in it, here without one."""
    template, told = FAILING[kind]
    its_own = AutoTokenizer.from_pretrained(tiny)
    its_own.name_or_path, its_own.chat_template = "models.mine", template
    with pytest.raises(InputError, match=rf"(?s)^models\.mine: its chat template .*({told}).*set `chat_template`"):
        check_template(its_own)
