"""A repository of its own with the files of this one as they are now, and commands run in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.import_graph import ROOT

SMALL = {
    "models": ["tiny"],
    "scale": "smoke",
    "benchmarks": ["mmlu", "gsm8k", "humaneval"],
    "baselines": [],
}
"""What to run so that every stage runs, in a few minutes."""


def copy_repository(folder: Path) -> Path:
    """Every file that Git knows or would take, committed in a new repository; nothing has run in it."""
    for name in git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "config", "user.name", "t")
    git(folder, "config", "user.email", "t@example.org")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "-m", "as it is")


def choose(folder: Path, **changes) -> None:
    """Change values of ``run`` in the clone's params.yaml."""
    path = folder / "params.yaml"
    content = yaml.safe_load(path.read_text())
    content["run"].update(changes)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def small_clone(folder: Path, **changes) -> Path:
    """A copy that would run :data:`SMALL`, with changes to it, committed; nothing has run."""
    copy_repository(folder)
    choose(folder, **SMALL | changes)
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def environment(folder: Path) -> dict[str, str]:
    """This Python's own commands first; what stages read of params.yaml is written down beside the clone."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "tests/tracing"),
        "PARAMS_TRACE": str(folder.parent / "params_trace.jsonl"),
    }


def attempt(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the clone, whatever comes of it."""
    wanted = environment(folder) | variables
    return subprocess.run(command, cwd=folder, env=wanted, capture_output=True, text=True, check=False)


def run(folder: Path, *command: str, **variables: str) -> str:
    """All that a command printed, which must end well."""
    done = attempt(folder, *command, **variables)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr
