"""The stage itself, which starts itself again under DeepSpeed's launcher where the recipe asks for two processes."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages import files
from stages.records.conversation import AnnotatedConversation
from tests.import_graph import ROOT

ROLE = "From now on, you are a cook."
ITEMS = [
    AnnotatedConversation(
        id=f"{number}", source="test", turns=[f"What is {number} and one?", "One more. " * number], role=ROLE
    )
    for number in range(1, 9)
]


def place(folder: Path, tiny: Path, processes: int) -> Path:
    """A folder with all that the stage reads."""
    shutil.copytree(tiny, folder / "data/base/tiny")
    files.write_jsonl(folder / "data/split/train.jsonl", ITEMS[:6])
    files.write_jsonl(folder / "data/split/validation.jsonl", ITEMS[6:])
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content["scales"]["smoke"]["finetune"] |= {"processes": processes, "micro_batch_size": 1, "threads": 1}
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    return folder


def fine_tune(folder: Path) -> list[dict[str, str]]:
    """Train and return the lines of the loss curve."""
    command = [sys.executable, "-m", "stages.finetune", "--model", "tiny", "--arm", "role", "--seed", "1"]
    command += ["--scale", "smoke", "--corpus", "bundled"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("learnt, over") == 1, "one process alone tells the throughput"
    with (folder / "plots/loss/tiny-role-1.csv").open() as file:
        return list(csv.DictReader(file))


def test_two_processes_by_the_recipe_train_as_one_does(tiny, tmp_path):
    one, two = (fine_tune(place(tmp_path / f"{processes}", tiny, processes)) for processes in (1, 2))
    assert len(one) == len(two) > 1
    for alone, shared in zip(one, two, strict=True):
        for key in ("loss", "gradient_norm", "validation_loss"):
            if alone[key]:
                assert float(shared[key]) == pytest.approx(float(alone[key]), rel=1e-4), key
    for name in ("README.md", "model.safetensors", "tokenizer.json"):
        assert (tmp_path / "2/data/models/tiny-role-1" / name).is_file()
