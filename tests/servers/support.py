"""A folder in which the stage ``generate`` runs by itself: a tiny model, questions, parameters."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import stages.generate
from stages.records import files
from stages.records.question import Question
from stages.records.results import Generation
from tests.import_graph import ROOT

COMMAND = [sys.executable, "-m", "stages.generate", "--model", "tiny", "--scale", "smoke"]


OTHERS = ("mmlu", "strategyqa", "commonsenseqa", "humaneval")


def stage_folder(folder: Path, tiny: Path, generating: dict[str, Any] | None = None, **servers: dict[str, Any]) -> Path:
    """A folder where the stage can run; the arms have the weights of the base.

    ``generating`` changes the scale's section ``generate``, ``servers`` those of servers.
    """
    for name in ("base/tiny", "models/tiny-role-1", "models/tiny-standard-1"):
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data" / name).symlink_to(tiny)
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    for name, changes in servers.items():
        content["servers"][name] |= changes
    content["scales"]["smoke"]["generate"]["decoding"] = {"dtype": "float32", "batch_tokens": 512, "threads": 1}
    generate = content["scales"]["smoke"]["generate"]
    generate |= {"readings": ["cloze", "letter", "written"], "primary": "cloze"}
    generate["defaults"] = {"max_new_tokens": 8, "role_tokens": 6}
    generate["benchmarks"] = {"gsm8k": {"limit": 60, "max_new_tokens": 40}, **{name: {} for name in OTHERS}}
    generate |= generating or {}
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    for benchmark, questions in QUESTIONS.items():
        files.write_jsonl(folder / "data/questions" / f"{benchmark}.jsonl", questions)
    return folder


QUESTIONS = {
    "gsm8k": [
        Question(id=f"g-{i}", group="all", question=f"How much is {i} + {i * i}?", answer=str(i + i * i))
        for i in range(60)
    ],
    "mmlu": [
        Question(
            id=f"m-{i}", group="moss", question="Which?" * (i + 1), choices=["ash", "elm", "fir", "oak"], answer="A"
        )
        for i in range(12)
    ],
    "commonsenseqa": [
        Question(id=f"c-{i}", question="Where?" * (i + 1), choices=["a hall", "bed", "sea", "an old inn"], answer="A")
        for i in range(3)
    ],
    "strategyqa": [
        Question(id=f"s-{i}", question=f"Do {i} hens lay?", choices=["yes", "no"], answer="yes") for i in range(6)
    ],
    "humaneval": [Question(id=f"h-{i}", question=f"def f{i}(x):\n", answer="") for i in range(4)],
    "open_ended": [Question(id=f"o-{i}", question=f"Write {i} lines on moss.", answer="") for i in range(4)],
}


def generate(folder: Path, benchmark: str, *more: str, monkeypatch: pytest.MonkeyPatch) -> list[Generation]:
    """What the stage writes when it runs in this process."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [*COMMAND[2:], "--benchmark", benchmark, *more])
    stages.generate.main()
    (written,) = (folder / "data/generations").glob(f"*/{benchmark}.jsonl")
    return files.read_jsonl(written, Generation)


def start(folder: Path, benchmark: str, *more: str) -> subprocess.Popen[str]:
    """The stage in a process of its own."""
    command = [*COMMAND, "--benchmark", benchmark, *more]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def out(folder: Path, benchmark: str) -> Path:
    return folder / "data/generations/tiny-base" / f"{benchmark}.jsonl"
