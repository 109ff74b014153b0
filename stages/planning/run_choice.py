"""What to run: the section ``run`` of ``params.yaml``, and the systems that follow from it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.core.parameters import Section
from stages.corpora.roots import Data
from stages.decoding.conditions import CONDITIONS
from stages.records.systems import Arm, Plan, System


class Run(Section):
    """Names of presets, which are keys elsewhere in ``params.yaml``; conditions by arm."""

    models: list[str] = Field(min_length=1)
    arms: list[Arm] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(min_length=1)
    conditions: dict[Literal["standard", "role"], list[str]]
    baselines: list[Literal["base"]]
    official: list[str]
    rivals: list[str]
    corpus: str
    annotator: str
    judge: str
    benchmarks: list[str] = Field(min_length=1)
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
        lists = {key: value for key, value in self if isinstance(value, list)}
        lists |= {f"conditions.{arm}": names for arm, names in self.conditions.items()}
        for key, entries in lists.items():
            if len(set(entries)) < len(entries):
                raise ValueError(f"{key}: an entry stands twice")
        return self


def plan(run: Run) -> Plan:
    """All systems of a choice, in the order in which they are reported."""
    return Plan(
        systems=list(_systems(run)),
        rivals=[
            *(System(model=model, rival="official") for model in run.official),
            *(System(model=rival, rival="chat") for rival in run.rivals),
        ],
        **run.model_dump(include=Plan.model_fields.keys() - {"systems", "rivals"}),
    )


def _systems(run: Run) -> Iterator[System]:
    for model in run.models:
        if "base" in run.baselines:
            yield System(model=model)
        for arm in run.arms:
            of_arm = [condition for key, conditions in run.conditions.items() if key == arm for condition in conditions]
            for condition in [None, *of_arm]:
                for seed in run.seeds:
                    yield System(model=model, arm=arm, condition=condition, seed=seed)
