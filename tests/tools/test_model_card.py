"""The card of a trained model, from the parameters and its metrics."""

import shutil

import pytest

from stages.core import parameters
from stages.core.errors import InputError
from stages.records.systems import Plan, System
from stages.reporting.inputs import Inputs
from stages.tools.model_card import card, training
from tests.import_graph import ROOT

BRIEF = System(model="smollm2-135m", arm="brief", seed=3)
NAMES = {"corpus": "bundled", "annotator": "recorded", "judge": "local", "data": "bundled", "scale": "mini"}


@pytest.fixture
def run(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    empty = {key: {} for key in ("metrics", "losses", "scored", "questions", "generations")}
    return Inputs(
        root=tmp_path,
        plan=Plan(systems=[BRIEF], benchmarks=[], **NAMES),
        finetune={BRIEF.name: {"items": 40, "left_out": 2}},
        judgements=[],
        parameters=parameters.read(tmp_path / "params.yaml"),
        **empty,
    )


def test_it_tells_what_was_trained_on_what_and_how(run):
    text = training(run, BRIEF)
    assert text.startswith("# smollm2-135m-brief-3\n")
    assert "Licence: Apache-2.0." in text
    assert "the first sentence of each role prompt alone" in text
    assert "dequantised from 4 bits" in " ".join(text.split())
    assert "The corpus `bundled`" in text
    assert "Seed of training: 3." in text
    assert "| left_out | 2 |" in text
    assert "| learning_rate | 0.0003 |" in text


def test_a_folder_that_is_no_trained_model_is_named(run):
    with pytest.raises(InputError, match=r"smollm2-135m-brief-3 holds no trained model: run `dvc repro`"):
        card(run, BRIEF)
