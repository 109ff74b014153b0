"""Several processes share the work of one stage, to the bytes of one."""

import time
from pathlib import Path

import psutil
import pytest
import yaml

from tests.servers.support import out, stage_folder, start


@pytest.fixture(scope="module")
def alone(tiny, tmp_path_factory) -> bytes:
    folder = stage_folder(tmp_path_factory.mktemp("alone"), tiny)
    finish(folder)
    return out(folder, "gsm8k").read_bytes()


def test_two_processes_write_the_bytes_of_one(tiny, tmp_path, alone):
    folder = stage_folder(tmp_path, tiny, local={"processes": 2})
    finish(folder)
    assert out(folder, "gsm8k").read_bytes() == alone
    assert not any((folder / ".cache/generations").rglob("*.jsonl"))


def test_when_one_of_two_is_killed_the_stage_fails_and_goes_on_later(tiny, tmp_path, alone):
    folder = stage_folder(tmp_path, tiny, local={"processes": 2})
    running = start(folder, "gsm8k")
    begun = time.monotonic()
    while len(lines := partial_lines(folder)) < 2 or min(lines) < 1:
        assert time.monotonic() - begun < 300 and running.poll() is None
        time.sleep(0.005)
    psutil.Process(running.pid).children()[-1].kill()
    running.communicate(timeout=300)
    assert running.returncode == 1
    assert not out(folder, "gsm8k").exists()
    use_one_process(folder)
    assert "answers are there from before" in finish(folder)
    assert out(folder, "gsm8k").read_bytes() == alone


def finish(folder: Path) -> str:
    """Run the stage in processes of its own: this one's libraries have chosen their instructions already."""
    running = start(folder, "gsm8k")
    _, said = running.communicate(timeout=600)
    assert running.returncode == 0, said
    return said


def use_one_process(folder: Path) -> None:
    parameters = yaml.safe_load((folder / "params.yaml").read_text())
    parameters["servers"]["local"]["processes"] = 1
    (folder / "params.yaml").write_text(yaml.safe_dump(parameters))


def partial_lines(folder: Path) -> list[int]:
    return [path.read_bytes().count(b"\n") for path in (folder / ".cache/generations").rglob("*.jsonl")]
