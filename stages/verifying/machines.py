"""On which kinds of processor the results that lie here were made, as ``logs/`` tells."""

import json
from pathlib import Path

from stages.core import run_log


def recorded_cpus(root: Path) -> set[str]:
    """Kinds of processor of each stage's last good run; empty where there is no log, as in a fresh clone."""
    log = root / run_log.LOG
    last: dict[str, str] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        try:
            record = json.loads(line)
        except ValueError:  # torn by a kill
            continue
        if record["stage"] and record["outcome"] == "ok":
            last[record["stage"]] = record["cpu"]
    return set(last.values())
