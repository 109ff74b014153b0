"""The pipeline, killed again and again where it happens to be, ends as if nothing had been."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.crash.support import differing, files_of, finish, start_anew
from tests.temporary_clone import environment, git

KILLS = int(os.environ.get("CRASH_KILLS", "20"))
SHARE = 0.15
"""The longest that a run is left alone, as a share of what an undisturbed one takes."""


@pytest.mark.crash
def test_twenty_kills_at_random_end_in_the_undisturbed_lock(undisturbed, repository):
    chance = random.Random(int(os.environ.get("CRASH_SEED", "17")))
    kills, whole_runs = 0, 0
    while kills < KILLS:
        stage = killed(repository, after=chance.uniform(1.0, SHARE * undisturbed.seconds))
        if stage is None:
            whole_runs += 1
            assert not differing(files_of(repository), undisturbed.files)
            start_anew(repository)
            continue
        kills += 1
        said = finish(repository, "python -m stages.tools.repair")
        print(f"kill {kills:2}: in {stage}; {said.strip() or 'nothing to repair'}", flush=True)
    finish(repository)
    print(f"{kills} kills; the pipeline ended {whole_runs + 1} times")
    assert not differing(files_of(repository), undisturbed.files)
    assert not git(repository, "status", "--porcelain", "--", "stages", "data")


def killed(folder: Path, after: float) -> str | None:
    """Start ``dvc repro`` and kill all of it after so many seconds; the stage it was in, or None if it ended before."""
    log = folder.parent / "killed.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["dvc", "repro"], cwd=folder, env=environment(folder), stdout=out, stderr=out, start_new_session=True
        )
        try:
            assert process.wait(timeout=after) == 0, log.read_text()[-3000:]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert not left_running(folder)
        else:
            return None
    stages = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("Running stage ")]
    return stages[-1].split("'")[1] if stages else "no stage"


def left_running(folder: Path, patience: float = 10.0) -> list[str]:
    """Processes that outlive the kill and work in the clone."""
    until = time.monotonic() + patience
    while found := [process for process in psutil.process_iter() if _works_in(process, folder)]:
        if time.monotonic() > until:
            return [" ".join(process.cmdline()) for process in found]
        time.sleep(0.2)
    return []


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):
        return False
