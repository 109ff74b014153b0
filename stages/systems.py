"""What answers questions: a model before fine-tuning, an arm, or an arm under a condition."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Arm = Literal["standard", "role", "shuffled", "constant"]


class System(BaseModel):
    """One answerer.

    Attributes:
        arm: What was trained; None for the model before fine-tuning.
        condition: What is done at inference; None for the arm as trained.
        seed: The seed of training; None for the model before fine-tuning.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    arm: Arm | None = None
    condition: str | None = None
    seed: int | None = None

    @property
    def variant(self) -> str:
        """``base``, ``<arm>`` or ``<arm>.<condition>``."""
        if self.arm is None:
            return "base"
        return self.arm if self.condition is None else f"{self.arm}.{self.condition}"

    @property
    def name(self) -> str:
        """The name of the system's folder of generations."""
        return f"{self.model}-{self.variant}" + ("" if self.seed is None else f"-{self.seed}")


class Plan(BaseModel):
    """What ``run`` asks for, as ``data/plan.json`` holds it: nothing else is scored or shown."""

    model_config = ConfigDict(extra="forbid")

    systems: list[System]
    benchmarks: list[str]
    corpus: str
    annotator: str
    judge: str
    data: str
    scale: str
