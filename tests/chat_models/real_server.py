"""The stage against `transformers serve` with SmolLM2: real HTTP, a real model, and the failures of so small a one.

Not part of the unit tests, as it needs ``tests/bench/requirements-real_server.txt`` and the base model:
``dvc repro base_model@smollm2-135m && pytest tests/chat_models/real_server.py``.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
MODEL = TOP / "data/base/smollm2-135m"
ITEMS = [
    ("Name a river of Hungary.", "The Tisza."),
    ("Why is the sky blue?", "Because air scatters short waves more than long ones."),
    ("Write a line about autumn.", "The last swallow leaves, and takes the noise along."),
    ("How do I sharpen a knife?", "On a wet stone, at a constant angle, the same number of strokes on either side."),
]


@contextmanager
def transformers_serve() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["transformers", "serve", str(MODEL), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = subprocess.Popen([*command, "--dtype", "float32"], env=environment)
    try:
        wait_until_it_listens(process, port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int) -> None:
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5.0)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail("transformers serve did not start: install tests/bench/requirements-real_server.txt")


def annotate(folder: Path) -> tuple[int, str, dict[str, Any]]:
    command = [sys.executable, "-m", "stages.annotate", "--annotator", "small", "--corpus", "mine"]
    environment = os.environ | {"PYTHONPATH": str(TOP), "REQUEST_CACHE": str(folder / "cache")}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return run.returncode, run.stderr, json.loads((folder / "metrics/annotate.json").read_text())


def test_the_stage_runs_through_and_counts_what_the_model_cannot_do(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    items = [{"id": f"{n}", "source": "s", "turns": list(turns)} for n, turns in enumerate(ITEMS)]
    (tmp_path / "data/corpus.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    preset = {"kind": "openai", "model": str(MODEL), "key_variable": None, "token_limit": 60, "attempts": 2}
    preset |= {"tolerated_failures": 0.99, "in_flight": 2, "preflight": False}
    with transformers_serve() as url:
        parameters = {"annotators": {"small": preset | {"base_url": url}}}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(parameters))
        code, told, first = annotate(tmp_path)
    assert first["items"] == len(ITEMS)
    assert first["annotated"] + sum(first["failures"].values()) == len(ITEMS)
    assert len(ITEMS) <= first["requests"] <= 2 * len(ITEMS)
    assert first["prompt_tokens"] > 300 * len(ITEMS)
    assert not any(reason.startswith("unavailable") for reason in first["failures"])
    assert code == (0 if first["annotated"] else 2), told
    # All that the model said is kept: the server is gone, and the outcome is the same.
    assert annotate(tmp_path)[::2] == (code, first)
