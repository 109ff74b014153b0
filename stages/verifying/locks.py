"""Two ``dvc.lock`` files beside each other: which outs of which stage are the same bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from stages.core.errors import InputError

Verdict = Literal["equal", "differs", "missing", "new"]
Outs = dict[str, dict[str, str]]
"""MD5 by stage and out."""


@dataclass(frozen=True)
class Compared:
    """One out of one stage: ``missing`` was recorded and not made again, ``new`` was made and not recorded."""

    stage: str
    out: str
    verdict: Verdict
    recorded: str | None = None
    rerun: str | None = None


def read_outs(lock: Path) -> Outs:
    """The outs that a lock names, with their hashes; a stage that never ran has none."""
    if not lock.is_file():
        raise InputError(f"{lock} does not exist: run `dvc repro` first, which writes what is to be compared")
    stages: dict[str, Any] = (yaml.safe_load(lock.read_text(encoding="utf-8")) or {}).get("stages", {})
    return {name: {out["path"]: out["md5"] for out in stage.get("outs", [])} for name, stage in stages.items()}


def compare(recorded: Outs, rerun: Outs) -> list[Compared]:
    return list(_compare(recorded, rerun))


def _compare(recorded: Outs, rerun: Outs) -> Iterator[Compared]:
    for stage in [*recorded, *(name for name in rerun if name not in recorded)]:
        before, after = recorded.get(stage, {}), rerun.get(stage, {})
        for out in sorted({*before, *after}):
            one, other = before.get(out), after.get(out)
            yield Compared(stage, out, _verdict(one, other), one, other)


def _verdict(one: str | None, other: str | None) -> Verdict:
    if other is None:
        return "missing"
    if one is None:
        return "new"
    return "equal" if one == other else "differs"
