"""A killed training goes on from its last whole checkpoint, to the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from stages.training.checkpoints import _seal
from tests.training.test_zero import PROGRAM

LEFT = ("model/model.safetensors", "curve.csv")


def start(folder: Path, out: Path, *options: int, processes: int = 1) -> subprocess.Popen[str]:
    """The training in a process group of its own; options: ZeRO stage, micro-batch, epochs, checkpoint, LoRA."""
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes), "--standalone"]
    command = [sys.executable, *(launcher if processes > 1 else []), str(PROGRAM), str(folder), str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *map(str, options)], env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finish(*arguments: object, **options: int) -> str:
    running = start(*arguments, **options)  # type: ignore[arg-type]
    _, said = running.communicate(timeout=600)
    assert running.returncode == 0, said[-3000:]
    return said


def kill(running: subprocess.Popen[str]) -> None:
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    if running.stderr:
        running.stderr.close()


def left(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in LEFT]


def wait_for(out: Path, pattern: str) -> None:
    for _ in range(6000):
        if list(out.glob(f"checkpoints/*/{pattern}")):
            return
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} after five minutes")


RUN = (2, 2, 10, 10, 0)


@pytest.fixture(scope="module")
def interrupted(tiny, tmp_path_factory) -> Path:
    """A training that was killed after its third checkpoint; tests work on copies."""
    folder = tmp_path_factory.mktemp("interrupted")
    running = start(tiny, folder, *RUN)
    wait_for(folder, "step-0000030/manifest.json")
    kill(running)
    return folder


@pytest.fixture
def killed(interrupted, tmp_path) -> Path:
    return Path(shutil.copytree(interrupted, tmp_path / "killed"))


def test_goes_on_from_a_whole_checkpoint_and_passes_over_a_torn_one(tiny, tmp_path, killed):
    undisturbed = tmp_path / "undisturbed"
    finish(tiny, undisturbed, *RUN)
    newest = max(path for path in killed.glob("checkpoints/*/step-*") if path.suffix != ".unfinished")
    torn = next(newest.rglob("*optim_states.pt"))
    torn.write_bytes(torn.read_bytes()[:-100])
    said = finish(tiny, killed, *RUN)
    assert f"{newest.name} is not whole: passed over" in said
    assert "going on from the checkpoint after step" in said
    assert left(killed) == left(undisturbed)


class Hostile:
    def __init__(self, leaves: Path) -> None:
        self.leaves = leaves

    def __reduce__(self):
        return Path.touch, (self.leaves,)


def test_a_checkpoint_that_would_run_code_is_refused(tiny, tmp_path, killed):
    """Whoever can write into the folder can write a manifest that fits."""
    for states in killed.glob("checkpoints/*/step-*/*model_states.pt"):
        torch.save({"module": Hostile(tmp_path / "it ran")}, states)
        _seal(states.parent)
    running = start(tiny, killed, *RUN)
    _, said = running.communicate(timeout=600)
    assert running.returncode != 0
    assert "holds more than weights and states, and is not loaded: remove it" in said
    assert not (tmp_path / "it ran").exists()


def test_another_recipe_never_takes_up_a_checkpoint(tiny, killed):
    said = finish(tiny, killed, 2, 4, 2, 10, 0)
    assert "is of a run with other settings, data or code: removed" in said
    assert "going on" not in said
    assert len(list((killed / "checkpoints").iterdir())) == 1


@pytest.mark.crash
@pytest.mark.parametrize("stage", [2, 3])
def test_twenty_kills_of_two_processes_change_nothing(tiny, tmp_path, stage):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    options = (stage, 1, 100, 5, 0)
    finish(tiny, undisturbed, *options, processes=2)
    chance = random.Random(stage)
    for _ in range(20):
        before = newest_checkpoint(killed)
        running = start(tiny, killed, *options, processes=2)
        while newest_checkpoint(killed) == before and running.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.5))  # some checkpoints more, or the middle of one
        assert running.poll() is None, "it ended before it could be killed"
        kill(running)
    said = finish(tiny, killed, *options, processes=2)
    assert "going on from the checkpoint" in said
    assert left(killed) == left(undisturbed)


def newest_checkpoint(out: Path) -> str:
    return max((path.name for path in out.glob("checkpoints/*/step-*[0-9]")), default="")
