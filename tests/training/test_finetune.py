"""The stage itself, which starts itself again under DeepSpeed's launcher where the recipe asks for two processes."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from transformers import AutoModelForCausalLM

from stages.records import files
from stages.records.conversation import AnnotatedConversation
from tests.import_graph import ROOT
from tests.training.test_checkpoints import wait_for

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
    content["scales"]["smoke"]["finetune"] |= {
        "processes": processes,
        "micro_batch_size": 1,
        "threads": 1,
        "max_length": 210,
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    return folder


def fine_tune(folder: Path) -> list[dict[str, str]]:
    """Train and return the lines of the loss curve."""
    command = [sys.executable, "-m", "stages.finetune", "--model", "tiny", "--arm", "role", "--seed", "1"]
    command += ["--scale", "smoke"]
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
    out = tmp_path / "2/data/models/tiny-role-1"
    for name in ("model.safetensors", "tokenizer.json", "chat_template.jinja"):
        assert (out / name).is_file()
    identity = {"model": "tiny", "arm": "role", "seed": 1}
    assert json.loads((out / "config.json").read_text())["self_prompt_tuning"] == identity
    assert AutoModelForCausalLM.from_pretrained(out).config.self_prompt_tuning == identity
    metrics = json.loads((tmp_path / "2/metrics/finetune/tiny-role-1.json").read_text())
    assert (metrics["items"], metrics["left_out"], metrics["validation_items"]) == (6, 0, 1)
    assert metrics["end_tokens"] == 6
    assert metrics["completion_tokens"] == sum(metrics[f"{part}_tokens"] for part in ("role", "answer", "end"))


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "stages.finetune", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def in_folder(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    running = start(folder, *arguments)
    out, said = running.communicate()
    return subprocess.CompletedProcess(arguments, running.returncode, out, said)


ROLE_ARM = ("--model", "tiny", "--arm", "role", "--seed", "1", "--scale", "smoke")


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.long)])
def test_training_that_is_told_to_end_does_so_and_the_next_run_goes_on_from_the_checkpoint(tiny, tmp_path, processes):
    folder = place(tmp_path, tiny, processes)
    change(folder, lambda content: content["scales"]["smoke"]["finetune"].update(epochs=40, checkpoint_every=10))
    running = start(folder, *ROLE_ARM)
    wait_for(folder / ".cache", "*/step-0000010/manifest.json")
    below = psutil.Process(running.pid).children(recursive=True)
    assert processes == 1 or len(below) >= 3, "a launcher and two that train"
    running.terminate()
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said.count("interrupted: run it again to go on")) == (130, 1)
    assert psutil.wait_procs(below, timeout=60)[1] == []
    assert not (folder / "data/models/tiny-role-1").exists()
    done = in_folder(folder, *ROLE_ARM)
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"going on from the checkpoint after step [1-7]0", done.stderr)
    assert (folder / "data/models/tiny-role-1/model.safetensors").is_file()


def test_a_template_that_cannot_be_masked_is_refused_before_training(tiny, tmp_path):
    folder = place(tmp_path, tiny, 1)
    template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    (folder / "data/base/tiny/chat_template.jinja").write_text(template)
    done = in_folder(folder, *ROLE_ARM)
    assert done.returncode == 2
    assert "data/base/tiny: its chat template ends the assistant's turn with ''" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_no_item_fits_the_message_says_what_to_raise(tiny, tmp_path):
    folder = place(tmp_path, tiny, 1)
    change(folder, lambda content: content["scales"]["smoke"]["finetune"].update(max_length=20))
    done = in_folder(folder, *ROLE_ARM)
    assert done.returncode == 2
    assert "none of the 6 training items fits in max_length 20 in every arm: raise max_length" in done.stderr


def change(folder: Path, how) -> None:
    path = folder / "params.yaml"
    content = yaml.safe_load(path.read_text())
    how(content)
    path.write_text(yaml.safe_dump(content))


def test_help_and_wrong_arguments_need_no_torch(tmp_path):
    code = "import sys, stages.finetune; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
