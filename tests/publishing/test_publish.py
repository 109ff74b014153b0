"""Folders that the Hub takes as they are, and errors that say what an upload lacks."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from datasets import load_dataset
from huggingface_hub import DatasetCard, ModelCard
from stages.training.card import Base, card
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages.core.errors import InputError
from stages.publishing.dataset_folder import lay_out_roles
from stages.publishing.model_folder import lay_out_model
from stages.publishing.results import Results, load
from stages.records.systems import System
from stages.training.recipe import Recipe
from tests.import_graph import ROOT
from tests.reporting import example_run

ROLE = System(model="small", arm="role", seed=1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    return example_run.write(tmp_path_factory.mktemp("run"), example_run.plan(), sizes=example_run.SMALL)


@pytest.fixture(scope="module")
def published(finished, tiny, tmp_path_factory) -> Path:
    """A model of the run, laid out."""
    folder = finished / "data/models" / ROLE.name
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny), AutoTokenizer.from_pretrained(tiny)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    base = Base(origin="Random weights.", license="MIT")
    recipe = Recipe(**yaml.safe_load((ROOT / "params.yaml").read_text())["scales"]["smoke"]["finetune"])
    (folder / "README.md").write_text(card("small", base, "role", 1, "bundled", recipe, {"loss": 1.5}))
    for file in folder.iterdir():
        file.chmod(0o444)  # as DVC links files from its cache
    return lay_out_model(finished, tmp_path_factory.mktemp("out"), ROLE, load(finished))


def test_a_published_model_loads_and_its_card_holds_results_with_intervals(published):
    assert AutoModelForCausalLM.from_pretrained(published).num_parameters() > 0
    assert AutoTokenizer.from_pretrained(published).chat_template
    found = ModelCard.load(published / "README.md")
    assert found.data.to_dict() == {
        "language": "en",
        "library_name": "transformers",
        "license": "mit",
        "pipeline_tag": "text-generation",
        "tags": ["self-prompt-tuning", "role-play", "role"],
    }
    assert "| loss | 1.5 |" in found.text  # what the training wrote is still there
    row = next(line for line in found.text.splitlines() if line.startswith("| MMLU (bundled) |"))
    count, score, interval = (cell.strip() for cell in row.split("|")[3:6])
    low, high = (float(end) for end in interval.split(" to "))
    assert int(count) == 57
    assert low < float(score) < high
    assert "Differences, role - standard" in found.text


def test_the_card_of_bundled_questions_says_that_they_are_not_the_benchmarks(published):
    assert "no score on MMLU" in (published / "README.md").read_text()


def test_results_on_real_benchmarks_are_told_to_the_hub_too(finished, published, tmp_path):
    inputs = load(finished).inputs
    found = Results(replace(inputs, plan=inputs.plan.model_copy(update={"data": "hub"})))
    target = lay_out_model(finished, tmp_path, ROLE, found)
    data = ModelCard.load(target / "README.md").data
    entries = {entry.dataset_type: entry for entry in data.eval_results}
    assert set(entries) == {"cais/mmlu", "tasksource/strategy-qa", "hotpotqa/hotpot_qa", "openai/gsm8k"}
    assert entries["cais/mmlu"].metric_value == found.scores(ROLE)["mmlu"]["score"]
    assert "no score on MMLU" not in (target / "README.md").read_text()


def test_a_model_that_is_not_here_is_an_error_that_says_how_to_get_it(finished, tmp_path):
    with pytest.raises(InputError, match=r"small-standard-1 holds no trained model.*dvc pull"):
        lay_out_model(finished, tmp_path, System(model="small", arm="standard", seed=1), load(finished))


def test_the_role_prompts_load_as_a_data_set_by_their_cards_metadata(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = lay_out_roles(ROOT, tmp_path)
    rows = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.num_rows == 1030  # LIMA's, unless another is named
    assert rows[0]["role"].startswith("From now on, you are")
    assert load_dataset(str(folder), "bundled", split="train", cache_dir=str(tmp_path / "cache")).num_rows == 320
    found = DatasetCard.load(folder / "README.md")
    assert found.data.license == "cc-by-nc-sa-4.0"
    assert "](../" not in found.text


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "no login to the Hub is known here: log in with `hf auth login`"),
        ({"HF_TOKEN": "hf_x", "HF_ENDPOINT": "http://127.0.0.1:9"}, "the Hub cannot be reached"),
        ({"HF_TOKEN": "hf_x", "HF_HUB_OFFLINE": "1"}, "the Hub cannot be reached"),
    ],
)
def test_an_upload_without_login_or_network_is_an_error_and_the_folder_is_whole(tmp_path, variables, expected):
    (tmp_path / "stages").symlink_to(ROOT / "stages")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/annotations").symlink_to(ROOT / "data/annotations")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    command = [sys.executable, "-m", "stages.tools.publish", "--out", "out", "--only-roles", "--upload", "somebody"]
    environment = kept | {"HF_HOME": str(tmp_path / "home")} | variables
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out/datasets/lima-role/README.md").is_file()
