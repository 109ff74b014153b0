"""Temporary clones in which the pipeline runs again, apart from everything that this copy has made."""

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

from stages.core.errors import InputError

logger = logging.getLogger(__name__)

RESULTS = ("dvc.lock", "metrics", "plots")
SHARED = (".cache/wheels", ".cache/requests")
"""What a rerun may take over: downloads, checked by their SHA-256, and answers that were paid for. Nothing computed."""
INPUTS = ("data/corpora", "data/model_folders")
"""Where inputs of one's own lie, which Git may not keep."""


def clone(source: Path, folder: Path) -> Path:
    """The current commit with today's ``params.yaml``, without results, and with a DVC cache of its own."""
    _run(source, "git", "clone", "--quiet", str(source), str(folder))
    shutil.copy2(source / "params.yaml", folder / "params.yaml")
    for name in RESULTS:  # what Git brings would pass for results of this run
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for name in SHARED:
        if (source / name).is_dir():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to((source / name).resolve())
    for name in INPUTS:
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name, copy_function=_link_missing, dirs_exist_ok=True)
    _run(folder, sys.executable, "-m", "dvc", "config", "--local", "cache.dir", str(folder / ".dvc/cache"))
    return folder


def _link_missing(file: str, place: str) -> None:
    """A model may be large; DVC reads through links to files."""
    if not Path(place).exists():
        Path(place).symlink_to(Path(file).resolve())


def uncommitted(source: Path) -> list[str]:
    """Files that differ from the commit, but for results and ``params.yaml``, which the clone takes as they are."""
    except_for = [f":!{path}" for path in (*RESULTS, "params.yaml")]
    listed = _run(source, "git", "status", "--porcelain", "--", ".", *except_for)
    return [line[3:] for line in listed.splitlines()]


def repro(folder: Path, *, force: bool = False) -> None:
    """Run the pipeline in a clone; what it prints goes on as it comes.

    Raises:
        InputError: The pipeline failed there.
    """
    command = [sys.executable, "-m", "dvc", "repro", *(["--force"] if force else [])]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    logger.info("%s: dvc repro%s", folder, " --force" if force else "")
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=False)
    if done.returncode:
        raise InputError(f"the pipeline failed in {folder} (exit code {done.returncode}): see above")


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout
