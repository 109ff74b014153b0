"""Folders that the Hub takes as they are, and errors that say what an upload lacks."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard, constants
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages.core.errors import InputError
from stages.records.systems import System
from stages.reporting.inputs import load
from stages.tools import model_card, publish
from stages.tools.publish import lay_out_model
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
    config = json.loads((folder / "config.json").read_text())
    config["self_prompt_tuning"] = {"model": "small", "arm": "role", "seed": 1}
    (folder / "config.json").write_text(json.dumps(config))
    for file in folder.iterdir():
        file.chmod(0o444)  # as DVC links files from its cache
    return lay_out_model(tmp_path_factory.mktemp("out"), ROLE, load(finished))


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
    assert "| loss | 2.013742 |" in found.text  # as metrics/finetune has it
    row = next(line for line in found.text.splitlines() if line.startswith("| MMLU |"))
    score, low, high = re.search(r"\| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \|", row).groups()
    assert float(low) < float(score) < float(high)
    assert row.endswith("| 57 |")
    assert "**Role less standard, in percentage points**" in found.text


def test_the_card_shows_the_chat_template_that_the_model_was_trained_with(published):
    text = (published / "README.md").read_text()
    tokenizer = AutoTokenizer.from_pretrained(published)
    messages = [{"role": "user", "content": "Why is the sky blue?"}]
    shown = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert f"```text\n{shown}\n```" in text
    assert ("return_assistant_tokens_mask" in text) == ("generation %}" in tokenizer.chat_template)


def test_a_template_with_marks_of_generation_is_said_to_have_them(published, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(published)
    tokenizer.chat_template = (
        "{% for message in messages %}{% if message.role == 'assistant' %}"
        "{% generation %}{{ message.content }}{% endgeneration %}"
        "{% else %}Q: {{ message.content }} A:{% endif %}{% endfor %}"
    )
    tokenizer.save_pretrained(tmp_path)
    text = model_card.chat_template(tmp_path)
    assert "return_assistant_tokens_mask" in text
    assert "Q: Why is the sky blue? A:" in text


def test_the_card_of_bundled_questions_says_that_they_are_not_the_benchmarks(published):
    assert "no score on MMLU" in (published / "README.md").read_text()


def test_the_card_of_real_benchmarks_does_not_say_so(finished, published, tmp_path):
    inputs = load(finished)
    found = replace(inputs, plan=inputs.plan.model_copy(update={"data": "hub"}))
    text = (lay_out_model(tmp_path, ROLE, found) / "README.md").read_text()
    assert "| MMLU |" in text
    assert "no score on MMLU" not in text


def test_a_model_that_is_not_here_is_an_error_that_says_how_to_get_it(finished, tmp_path):
    with pytest.raises(InputError, match=r"small-standard-1 holds no trained model.*dvc pull"):
        lay_out_model(tmp_path, System(model="small", arm="standard", seed=1), load(finished))


@pytest.mark.parametrize(
    ("token", "changed", "expected"),
    [
        (None, {}, "no login to the Hub is known here: log in with `hf auth login`"),
        ("hf_x", {"ENDPOINT": "http://127.0.0.1:9"}, "the Hub cannot be reached"),
        ("hf_x", {"HF_HUB_OFFLINE": True}, "the Hub cannot be reached"),
    ],
)
def test_an_upload_without_login_or_network_is_an_error_and_the_folder_is_whole(
    tmp_path, monkeypatch, token, changed, expected
):
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    for name, value in ({"HF_TOKEN_PATH": str(tmp_path / "token")} | changed).items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.chdir(ROOT)
    arguments = ["--out", str(tmp_path / "out"), "--only-roles", "--upload", "somebody"]
    monkeypatch.setattr(sys, "argv", ["publish", *arguments])
    with pytest.raises(InputError, match=expected):
        publish.main()
    assert (tmp_path / "out/datasets/lima-role/README.md").is_file()
