"""Training and answering on a CUDA device, held against plain torch and against the CPU: `make test-gpu`.

Without a device the run ends with a word and a failure: nothing counts as tested that was not.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from stages.chat.rendering import Part, tokenize
from stages.decoding import model as decoding_model
from stages.decoding.choices import Row, loglikelihoods
from stages.decoding.generating import Chooser, Prompt, generate
from stages.decoding.parameters import Decoding, Sampling
from stages.training.curve import linear_decay
from tests.conftest import tiny_model
from tests.training.test_zero import BATCH, PROGRAM, RATES, STEPS, rows

TEXTS = ["What is moss?", "2 + 2", "Name a river and the city at its mouth.", "Why?"]
CHOICES = (" A", " yes", " a long choice of many words")
NEW = 24


@pytest.fixture(scope="session", autouse=True)
def device() -> torch.device:
    if not torch.cuda.is_available():
        pytest.exit("there is no CUDA device here: nothing was tested", returncode=1)
    return torch.device("cuda")


def plain_losses(folder: Path, device: torch.device) -> list[float]:
    """Loss of each step under torch's own AdamW with float32 weights, the forward pass in bfloat16."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device)
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    kept = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": kept, "weight_decay": 0.0}], betas=(0.9, 0.95)
    )
    losses = []
    for step in range(STEPS):
        batch = rows()[step * BATCH : (step + 1) * BATCH]
        learnt = sum(part is not Part.PROMPT for row in batch for part in row.parts[1:])
        total = 0.0
        for row in batch:
            with torch.autocast(device.type, torch.bfloat16):
                logits = model(torch.tensor([row.ids], device=device)).logits[0, :-1].float()
            wanted = torch.tensor([part is not Part.PROMPT for part in row.parts[1:]], device=device)
            loss = F.cross_entropy(logits[wanted], torch.tensor(row.ids[1:], device=device)[wanted], reduction="sum")
            (loss / learnt).backward()
            total += float(loss.detach()) / learnt
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = linear_decay(step, STEPS, *RATES)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total)
    return losses


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_zero_in_bfloat16_learns_as_plain_adamw_does(stage, tmp_path, device):
    folder = tiny_model("llama", tmp_path / "llama")
    expected = plain_losses(folder, device)
    command = [sys.executable, str(PROGRAM), str(folder), str(tmp_path), str(stage), "4", "1", "0", "0", "bfloat16"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = (tmp_path / "curve.csv").read_text().splitlines()
    column = lines[0].split(",").index("loss")
    found = [float(line.split(",")[column]) for line in lines[1:] if line.split(",")[column]]
    assert found == pytest.approx(expected, rel=0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_model("llama", tmp_path_factory.mktemp("models") / "llama")


def on(folder: Path, where: str, monkeypatch, dtype: str = "float32", batch_tokens: int = 4096):
    """The model loaded on ``cuda`` or, with its availability denied, on ``cpu``."""
    if where == "cpu":
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return decoding_model.load(folder, Decoding(dtype=dtype, batch_tokens=batch_tokens, threads=1))


def written(loaded, sampling=None) -> list[list[int]]:
    prompts = [Prompt(tokenize(loaded.tokenizer, text), NEW) for text in TEXTS]
    chooser = Chooser(sampling, list(range(len(prompts))))
    return [each.ids for each in generate(loaded, prompts, chooser, list(range(len(prompts))), lambda tokens: None)]


def test_greedy_answers_in_float32_equal_the_cpus(folder, monkeypatch):
    on_gpu = written(on(folder, "cuda", monkeypatch))
    assert on_gpu == written(on(folder, "cpu", monkeypatch))


def test_likelihoods_agree_with_the_cpus(folder, monkeypatch):
    def scores(loaded) -> list[list[float]]:
        choices = [tokenize(loaded.tokenizer, text) for text in CHOICES]
        asked = [Row(tokenize(loaded.tokenizer, text), choices) for text in TEXTS]
        return list(loglikelihoods(loaded, asked, 4096))

    exact = scores(on(folder, "cuda", monkeypatch))
    half = scores(on(folder, "cuda", monkeypatch, "bfloat16"))
    of_cpu = scores(on(folder, "cpu", monkeypatch))
    for gpu, rough, cpu in zip(exact, half, of_cpu, strict=True):
        assert gpu == pytest.approx(cpu, abs=1e-3)
        assert rough == pytest.approx(cpu, rel=0.02)


@pytest.mark.parametrize("batch_tokens", [256, 1024, 65536])
def test_the_number_of_rows_side_by_side_changes_no_answer_in_float32(batch_tokens, folder, monkeypatch):
    assert written(on(folder, "cuda", monkeypatch, batch_tokens=batch_tokens)) == written(
        on(folder, "cuda", monkeypatch)
    )


def test_sampled_answers_are_the_same_each_time(folder, monkeypatch):
    sampling = Sampling(temperature=0.7, top_p=0.9, repetition_penalty=1.2)
    loaded = on(folder, "cuda", monkeypatch)
    assert written(loaded, sampling) == written(loaded, sampling)


def test_one_arm_of_the_study_from_training_to_likelihoods(tmp_path):
    """The real model and recipe of scales.small in a clone, if its folder is there; `dvc repro base_model` makes it."""
    base = Path("data/base/smollm2-135m")
    assert base.is_dir(), "run `dvc repro base_model@smollm2-135m` first"
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ".", str(clone)], check=True)
    shutil.copytree(base, clone / base, symlinks=False)
    commands = [
        ["stages.plan"],
        ["stages.corpus", "--corpus", "bundled", "--data", "bundled"],
        ["stages.annotate", "--annotator", "recorded", "--corpus", "bundled"],
        ["stages.split", "--scale", "small"],
        ["stages.finetune", "--model", "smollm2-135m", "--arm", "role", "--seed", "1", "--scale", "small"],
        ["stages.questions", "--benchmark", "openbookqa", "--data", "bundled"],
        ["stages.generate", "--model", "smollm2-135m", "--arm", "role", "--seed", "1", "--scale", "small"],
        ["stages.likelihood", "--model", "smollm2-135m", "--arm", "role", "--seed", "1", "--scale", "small"],
    ]
    commands[6] += ["--benchmark", "openbookqa", "--server", "local"]
    for command in commands:
        done = subprocess.run([sys.executable, "-m", *command], cwd=clone, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr[-3000:]}"
    metrics = json.loads((clone / "metrics/finetune/smollm2-135m-role-1.json").read_text())
    assert metrics["validation_loss"] < metrics["validation_loss_before"]
    answers = (clone / "data/generations/smollm2-135m-role-1/openbookqa.jsonl").read_text().splitlines()
    assert sum(json.loads(line)["role"] is not None for line in answers) > 0.9 * len(answers)
