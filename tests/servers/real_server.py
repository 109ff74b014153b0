"""The stage against `transformers serve` with SmolLM2: another program, a real model, and no ids or log-probabilities.

Not part of the unit tests, as it needs ``tests/bench/requirements-real_server.txt``, the base model and questions:
``dvc repro base_model@smollm2-135m questions@gsm8k && pytest tests/servers/real_server.py``.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.records import files
from stages.records.results import Generation
from tests.chat_models.real_server import MODEL, transformers_serve
from tests.import_graph import ROOT

ITEMS, TOKENS = 10, 48
SERVER = {"model": str(MODEL), "prompts": "text", "logprobs": False, "repetition_penalty_name": None, "extra": {}}


def folder(path: Path, url: str) -> Path:
    (path / "data/base").mkdir(parents=True)
    (path / "data/base/smollm2-135m").symlink_to(MODEL)
    (path / "data/questions").symlink_to(ROOT / "data/questions")
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content["servers"]["openai"] |= SERVER | {"base_url": url, "in_flight": 2, "preflight": False}
    content["scales"]["mini"]["generate"] |= {"readings": ["written"], "primary": "written"}
    for benchmark in ("gsm8k", "mmlu"):
        asking = {"limit": ITEMS, "max_new_tokens": TOKENS, "role_tokens": TOKENS}
        content["scales"]["mini"]["generate"]["benchmarks"][benchmark] = asking
    (path / "params.yaml").write_text(yaml.safe_dump(content))
    return path


def generate(where: Path, benchmark: str, server: str) -> list[Generation]:
    command = [sys.executable, "-m", "stages.generate", "--model", "smollm2-135m", "--scale", "mini"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}", "REQUEST_CACHE": "cache"}
    subprocess.run([*command, "--benchmark", benchmark, "--server", server], cwd=where, env=environment, check=True)
    return files.read_jsonl(where / "data/generations/smollm2-135m-base" / f"{benchmark}.jsonl", Generation)


@pytest.mark.parametrize("benchmark", ["gsm8k", "mmlu"])
def test_another_program_answers_as_the_stages_own_process_does(tmp_path: Path, benchmark: str) -> None:
    with transformers_serve() as url:
        where = folder(tmp_path, url)
        served = generate(where, benchmark, "openai")
    assert generate(where, benchmark, "openai") == served  # the server is gone, what it said is kept
    own = generate(where, benchmark, "local")
    equal = [here.output == other.output for here, other in zip(own, served, strict=True)]
    assert sum(equal) >= 0.8 * ITEMS  # two programs may round a near tie of two tokens differently
    for here, other, same in zip(own, served, equal, strict=True):
        assert (other.id, other.prompt, other.letter, other.cloze) == (here.id, here.prompt, None, None)
        assert not same or (other.output_tokens, other.finished) == (here.output_tokens, here.finished)
