"""Two runs in one repository at the same time: the second is told of the first, or waits for it."""

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.support import entries
from tests.temporary_clone import attempt, environment, run

pytestmark = pytest.mark.crash

HOLD = "from dvc.repo import Repo\nwith Repo().lock: print('held', flush=True); input()"
"""What every DVC command does while it reads the pipeline and the lock, for as long as one likes."""


def test_a_second_run_is_told_which_process_runs_the_stage(undisturbed, repository):
    log = repository.parent / "first.log"
    with log.open("w") as out:
        first = subprocess.Popen(
            ["dvc", "repro", "base_model@tiny"], cwd=repository, env=environment(repository), stdout=out, stderr=out
        )
        wait_for("Running stage 'base_model@tiny'", log)
        second = attempt(repository, "dvc", "repro", "base_model@tiny")
        assert first.wait() == 0, log.read_text()
    assert second.returncode
    assert "is busy, it is being blocked by" in second.stderr
    assert f"(PID {first.pid}): " in second.stderr
    assert "up to date" in run(repository, "dvc", "repro", "base_model@tiny")
    lock, made = (repository / "dvc.lock").read_bytes(), ("plan", "base_model@tiny")
    assert entries(lock, *made) == entries(undisturbed.files["dvc.lock"], *made)


def wait_for(text: str, log: Path, patience: float = 300.0) -> None:
    until = time.monotonic() + patience
    while text not in log.read_text():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)


def test_a_command_gives_up_while_another_holds_the_repository(repository):
    with held(repository):
        done = attempt(repository, "dvc", "repro", "plan")
    assert done.returncode
    assert "Unable to acquire lock" in done.stderr


def test_a_command_that_was_told_to_wait_waits(repository):
    with held(repository) as release:
        waiting = subprocess.Popen(
            ["dvc", "--wait-for-lock", "repro", "plan"], cwd=repository, env=environment(repository)
        )
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=20)  # one that does not wait gives up after three seconds
        release()
        assert waiting.wait() == 0


@contextmanager
def held(repository: Path):
    """DVC's lock of the repository, held until the block ends or the function given is called."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    try:
        yield lambda: holder.communicate("\n")
    finally:
        if holder.poll() is None:
            holder.communicate("\n")
