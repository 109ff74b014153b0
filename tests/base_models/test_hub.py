"""Base models from the Hub's cache, with the network off."""

import shutil

import pytest
import yaml
from huggingface_hub import constants

from tests.conftest import tiny_model
from tests.corpora.test_roots import cached
from tests.import_graph import ROOT

MODELS = yaml.safe_load((ROOT / "params.yaml").read_text())["models"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The Hub's cache, empty, beside the parameters; no network."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


@pytest.mark.parametrize(("name", "architecture"), [("mistral-7b", "mistral"), ("llama-2-7b", "llama")])
def test_a_hub_model_is_taken_from_the_cache_at_its_revision(stage, cache, tmp_path, name, architecture):
    folder = tiny_model(architecture, tmp_path / "tiny")
    files = {path.name: path for path in folder.iterdir()}
    cached(cache, "models", MODELS[name]["repository"], MODELS[name]["revision"], files)
    assert stage(name) == 0
    out = tmp_path / "data/base" / name
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"} <= {
        p.name for p in out.iterdir()
    }
    assert "### Answer:" in (out / "chat_template.jinja").read_text()


def test_a_model_that_is_not_there_is_an_error_without_a_traceback(stage, cache, tmp_path, capsys):
    assert stage("llama-2-7b") == 2
    said = capsys.readouterr().err
    assert "meta-llama/Llama-2-7b-hf" in said
    assert "Traceback" not in said
    assert not (tmp_path / "data/base/llama-2-7b").exists()
