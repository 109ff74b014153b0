"""The card of a trained model, from its folder, the parameters and its metrics."""

import json
import shutil

import pytest

from stages.core.errors import InputError
from stages.records import files
from stages.tools.model_card import training
from tests.import_graph import ROOT


@pytest.fixture
def root(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    config = {"self_prompt_tuning": {"model": "smollm2-135m", "arm": "brief", "seed": 3}}
    files.write_json(tmp_path / "data/models/smollm2-135m-brief-3/config.json", config)
    files.write_json(tmp_path / "metrics/finetune/smollm2-135m-brief-3.json", {"items": 40, "left_out": 2})
    return tmp_path


def test_it_tells_what_was_trained_on_what_and_how(root):
    card = training(root, "smollm2-135m-brief-3", "mini", "bundled")
    assert card.startswith("# smollm2-135m-brief-3\n")
    assert "Licence: Apache-2.0." in card
    assert "the first sentence of each role prompt alone" in card
    assert "dequantised from 4 bits" in " ".join(card.split())
    assert "The corpus `bundled`" in card
    assert "Seed of training: 3." in card
    assert "| left_out | 2 |" in card
    assert "| learning_rate | 0.0003 |" in card


def test_a_folder_that_is_no_trained_model_is_named(root):
    with pytest.raises(InputError, match=r"smollm2-135m-role-1 holds no trained model: run `dvc repro`"):
        training(root, "smollm2-135m-role-1", "mini", "bundled")
    path = root / "data/models/smollm2-135m-brief-3/config.json"
    path.write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(InputError, match=r"config\.json does not say in `self_prompt_tuning`"):
        training(root, "smollm2-135m-brief-3", "mini", "bundled")
