"""Remove files of an earlier choice of ``run``, so that a folder's content does not depend on what was chosen before.

``score`` and others depend on whole folders, since DVC can't list the outs of a matrix as dependencies: answers of a
system that is no longer chosen would change such a folder, and with it ``dvc.lock``.
"""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from stages.planning.run_choice import Run
from stages.records.systems import Plan

logger = logging.getLogger(__name__)


def tidy(run: Run, plan: Plan, top: Path = Path()) -> None:
    """Remove the files of systems and benchmarks that ``run`` does not name; DVC's cache keeps them."""
    for folder, wanted in expected(run, plan).items():
        for path in _others(top / folder, {top / folder / name for name in wanted}):
            logger.info("removed: %s is not part of this choice of run", path)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def expected(run: Run, plan: Plan) -> dict[str, set[str]]:
    """Folder → the files or folders that the choice produces in it, as ``dvc.yaml`` names them."""
    trained = {system.name for system in plan.systems if system.arm is not None and system.condition is None}
    benchmarks = {f"{name}.jsonl" for name in run.benchmarks}
    generations = {f"{system.name}/{file}" for system in plan.systems for file in benchmarks}
    plain = [system for system in plan.systems if system.condition is None]
    generations |= {f"{system.name}/open_ended.jsonl" for system in [*plain, *plan.rivals]}
    generations |= {f"{system.name}/requests.json" for system in plan.rivals if system.rival == "chat"}
    return {
        "data/base": set(run.models),
        "data/official": set(run.official),
        "data/models": trained,
        "data/questions": {*benchmarks, "open_ended.jsonl"},
        "data/generations": generations,
        "data/likelihoods": {f"{system.name}.jsonl" for system in plain},
        "metrics/finetune": {f"{name}.json" for name in trained},
        "plots/loss": {f"{name}.csv" for name in trained},
    }


def _others(folder: Path, wanted: set[Path]) -> Iterator[Path]:
    """Paths below a folder that are not wanted and contain nothing wanted."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path in wanted or path.name == ".gitkeep":
            continue
        if any(each.is_relative_to(path) for each in wanted):
            yield from _others(path, wanted)
        else:
            yield path
