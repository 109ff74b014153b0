"""A record of each stage's run in ``logs/``: when, where, with what, at what cost.

Everything that differs between two equal runs is here, and none of it is in a result.
"""

import importlib.metadata
import json
import logging
import os
import platform
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LOG = Path("logs/runs.jsonl")
LIBRARIES = ("dvc", "torch", "transformers", "tokenizers", "deepspeed", "datasets", "openai", "numpy", "scikit-learn")
RESULTS = ("dvc.lock", "metrics", "plots")
"""Committed files that a run itself writes: a change there does not make the commit dirty."""

logger = logging.getLogger(__name__)


def append(started: float, ended: float, outcome: str, log: Path = LOG) -> None:
    """Add a line on this process. If that fails, only warn: the stage's work is done.

    Args:
        started: Seconds since the epoch.
        ended: Seconds since the epoch.
        outcome: How the stage ended: ``ok``, or the kind of exception.
        log: The file, one JSON object a line.
    """
    try:
        log.parent.mkdir(exist_ok=True)
        line = json.dumps(_facts(started, ended, outcome), ensure_ascii=False) + "\n"
        with log.open("a", encoding="utf-8") as file:  # one write, so that stages side by side do not mix lines
            file.write(line)
    except OSError as error:
        logger.warning("%s: this run is not recorded: %s", log, error)


def _facts(started: float, ended: float, outcome: str) -> dict[str, Any]:
    return {
        "stage": os.environ.get("DVC_STAGE"),
        "command": sys.orig_argv[1:],
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(ended - started, 2),
        "outcome": outcome,
        "peak_memory_mb": _peak_memory(),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "threads": _threads(),
        "gpus": _gpus(),
        "system": platform.platform(),
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--", ".", *(f":!{path}" for path in RESULTS))),
        "python": platform.python_version(),
        "libraries": _versions(),
    }


def cpu() -> str:
    """The processor's own name, if the system reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _peak_memory() -> int:
    """Megabytes, of this process or of its largest child."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(max(resource.getrusage(kind).ru_maxrss for kind in kinds) / unit)


def _threads() -> int | None:
    """Threads of torch, if the stage used it."""
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch else None


def _gpus() -> list[str]:
    torch = sys.modules.get("torch")
    if not torch or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def _git(*arguments: str) -> str | None:
    """The output of Git; None without Git or a repository."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
