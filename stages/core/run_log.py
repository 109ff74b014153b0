"""A line on each stage's run in ``logs/``: when, where, with what. All that differs between two equal runs is here."""

import importlib.metadata
import json
import logging
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LOG = Path("logs/runs.jsonl")
LIBRARIES = ("dvc", "torch", "transformers", "tokenizers", "deepspeed", "datasets", "openai", "numpy", "scikit-learn")
RESULTS = ("dvc.lock", "metrics", "plots")
"""Committed files that a run itself writes: a change there does not make the commit dirty."""

logger = logging.getLogger(__name__)


@contextmanager
def recorded() -> Iterator[None]:
    """Add a line on what runs inside, however it ends; not outside a repository."""
    started, outcome = datetime.now(UTC), "ok"
    try:
        yield
    except BaseException as error:
        if not isinstance(error, SystemExit) or error.code:
            outcome = type(error).__name__
        raise
    finally:
        if Path("dvc.yaml").is_file():
            _append(started, outcome)


def _append(started: datetime, outcome: str) -> None:
    try:
        LOG.parent.mkdir(exist_ok=True)
        line = json.dumps(_facts(started, outcome), ensure_ascii=False) + "\n"
        with LOG.open("a", encoding="utf-8") as file:  # one write, so that stages side by side do not mix lines
            file.write(line)
    except OSError as error:  # the stage's work is done
        logger.warning("%s: this run is not recorded: %s", LOG, error)


def _facts(started: datetime, outcome: str) -> dict[str, Any]:
    torch = sys.modules.get("torch")  # if the stage used it
    libraries = {}
    for name in LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            libraries[name] = importlib.metadata.version(name)
    return {
        "stage": os.environ.get("DVC_STAGE"),
        "command": sys.orig_argv[1:],
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 2),
        "outcome": outcome,
        "peak_memory_mb": _peak_memory(),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads() if torch else None,
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if torch else [],
        "system": platform.platform(),
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--", ".", *(f":!{path}" for path in RESULTS))),
        "python": platform.python_version(),
        "libraries": libraries,
    }


def cpu() -> str:
    """The processor's own name, if the system reports it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _peak_memory() -> int:
    """Megabytes, of this process or of its largest child."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(max(resource.getrusage(kind).ru_maxrss for kind in kinds) / unit)


def _git(*arguments: str) -> str | None:
    """The output of Git; None without Git or a repository."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
