"""Base models from the Hub's cache, with the network off."""

import pytest
import yaml

from tests.conftest import tiny_model
from tests.corpora.test_roots import cached, offline, work  # noqa: F401  a fixture
from tests.import_graph import ROOT

MODELS = yaml.safe_load((ROOT / "params.yaml").read_text())["models"]


@pytest.mark.parametrize(("name", "architecture"), [("mistral-7b", "mistral"), ("llama-2-7b", "llama")])
def test_a_hub_model_is_taken_from_the_cache_at_its_revision(work, name, architecture):  # noqa: F811
    folder = tiny_model(architecture, work / "tiny")
    files = {path.name: path for path in folder.iterdir()}
    cached(work, "models", MODELS[name]["repository"], MODELS[name]["revision"], files)
    done = offline(work, "-m", "stages.base_model", "--model", name)
    assert done.returncode == 0, done.stderr
    out = work / "work/data/base" / name
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"} <= {
        p.name for p in out.iterdir()
    }
    assert "### Answer:" in (out / "chat_template.jinja").read_text()


def test_a_model_that_is_not_there_is_an_error_without_a_traceback(work):  # noqa: F811
    done = offline(work, "-m", "stages.base_model", "--model", "llama-2-7b")
    assert done.returncode == 2
    assert "meta-llama/Llama-2-7b-hf" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (work / "work/data/base/llama-2-7b").exists()
