"""A base model of one's own, in the folder that DVC watches."""

import shutil
import subprocess

import pytest
import yaml

from tests.conftest import tiny_model
from tests.temporary_clone import choose, copy_repository, run


@pytest.mark.slow
def test_a_model_that_changed_in_its_folder_is_due_again(tmp_path):
    mine = tiny_model("llama", tmp_path / "elsewhere/mine")
    clone = copy_repository(tmp_path / "repository")
    add_model(clone, "mine", "data/model_folders/mine")
    choose(clone, models=["mine"], benchmarks=["mmlu"])
    # Linked and not copied, as one does with a large model.
    subprocess.run(["cp", "-rs", str(mine), str(clone / "data/model_folders/mine")], check=True)
    run(clone, "dvc", "repro", "base_model@mine")
    shutil.copytree(tiny_model("mistral", tmp_path / "elsewhere/other"), mine, dirs_exist_ok=True)
    due = run(clone, "dvc", "status", "base_model@mine")
    assert "modified:           data/model_folders" in due
    assert "parameters_valid" not in due


def add_model(folder, name, path):
    parameters = folder / "params.yaml"
    content = yaml.safe_load(parameters.read_text())
    words = {"origin": "One of ours.", "license": "MIT", "chat_template": "plain", "dtype": "float32"}
    content["models"][name] = {"source": "folder", "path": path, "finetune": {}, **words}
    parameters.write_text(yaml.safe_dump(content, sort_keys=False))
