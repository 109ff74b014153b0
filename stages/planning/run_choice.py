"""What to run: the section ``run`` of ``params.yaml``, the systems that follow from it, and their files."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, model_validator

from stages.core.parameters import Section
from stages.corpora.roots import Data
from stages.decoding.conditions import CONDITIONS
from stages.records.systems import Arm, Plan, System

Entry = TypeVar("Entry")
logger = logging.getLogger("plan")


def _once(entries: list[Entry]) -> list[Entry]:
    if len(set(entries)) < len(entries):
        raise ValueError("an entry stands twice")
    return entries


Distinct = Annotated[list[Entry], AfterValidator(_once)]
Some = Annotated[list[Entry], Field(min_length=1), AfterValidator(_once)]


class Run(Section):
    """Names of presets, which are keys elsewhere in ``params.yaml``; conditions by arm."""

    models: Some[str]
    arms: Some[Arm]
    seeds: Some[Annotated[int, Field(ge=0, lt=2**32)]]
    conditions: dict[Literal["standard", "role"], Distinct[str]]
    baselines: Distinct[Literal["base"]]
    official: Distinct[str]
    rivals: Distinct[str]
    corpus: str
    annotator: str
    judge: str
    benchmarks: Some[str]
    data: Data
    scale: str
    server: Literal["local", "openai"]

    @model_validator(mode="after")
    def _known(self) -> "Run":
        for arm, names in self.conditions.items():
            for name in names:
                if name not in CONDITIONS[arm]:
                    raise ValueError(f"conditions.{arm}: {name!r} is none of {', '.join(CONDITIONS[arm])}")
            if names and arm not in self.arms:
                raise ValueError(f"conditions.{arm} is not empty, and arms lacks {arm}")
        for name in self.official:
            if name not in self.models:
                raise ValueError(f"official: {name!r} is none of run.models, whose official chat versions may be asked")
        return self


def plan(run: Run) -> Plan:
    """All systems of a choice, in the order in which they are reported."""
    official = [System(model=model, rival="official") for model in run.official]
    return Plan(
        systems=list(_systems(run)),
        rivals=[*official, *(System(model=rival, rival="chat") for rival in run.rivals)],
        **run.model_dump(include=Plan.model_fields.keys() - {"systems", "rivals"}),
    )


def _systems(run: Run) -> Iterator[System]:
    of_arm: dict[str, list[str]] = {str(arm): list(some) for arm, some in run.conditions.items()}
    for model in run.models:
        if "base" in run.baselines:
            yield System(model=model)
        for arm in run.arms:
            for condition in [None, *of_arm.get(arm, [])]:
                for seed in run.seeds:
                    yield System(model=model, arm=arm, condition=condition, seed=seed)


def tidy(run: Run, plan: Plan) -> None:
    """Remove the files of systems and benchmarks that ``run`` does not name; DVC's cache keeps them.

    ``score`` and others depend on whole folders, since DVC can't list the outs of a matrix as dependencies: answers of
    a system that is no longer chosen would change such a folder, and with it ``dvc.lock``.
    """
    for folder, wanted in _expected(run, plan).items():
        for path in _unwanted(Path(folder), {Path(folder, name) for name in wanted}):
            logger.info("removed: %s is not part of this choice of run", path)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _expected(run: Run, plan: Plan) -> dict[str, set[str]]:
    """Folder → the files or folders that the choice produces in it, as ``dvc.yaml`` names them."""
    plain = [system for system in plan.systems if system.condition is None]
    trained = {system.name for system in plain if system.arm is not None}
    benchmarks = {f"{name}.jsonl" for name in run.benchmarks}
    generations = {f"{system.name}/{file}" for system in plan.systems for file in benchmarks}
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


def _unwanted(folder: Path, wanted: set[Path]) -> Iterator[Path]:
    """Paths below a folder that are not wanted and contain nothing wanted."""
    for path in sorted(folder.glob("*")):
        if path in wanted or path.name == ".gitkeep":
            continue
        if any(each.is_relative_to(path) for each in wanted):
            yield from _unwanted(path, wanted)
        else:
            yield path
