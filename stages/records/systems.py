"""What answers questions: a model before fine-tuning, an arm, an arm under a condition, a rival. And their seeds."""

import hashlib
import random
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from stages.core import parameters
from stages.records.files import read_json

PLAN = Path("data/plan.json")

Arm = Literal["standard", "role", "shuffled", "constant", "restated", "brief"]
Rival = Literal["official", "chat"]


class System(BaseModel, extra="forbid", frozen=True):
    """One answerer.

    Attributes:
        model: A key of ``models``; of a rival that is a chat model, its key in ``rivals``.
        arm: What was trained; None for the model before fine-tuning and for rivals.
        condition: What is done at inference; None for the arm as trained.
        seed: The seed of training; None where nothing was trained here.
        rival: What answers the open-ended prompts alone, to be compared with: ``official``, the model's official chat
            version, or ``chat``, a chat model behind a server; None for what answers the benchmarks too.
    """

    model: str
    arm: Arm | None = None
    condition: str | None = None
    seed: int | None = None
    rival: Rival | None = None

    @property
    def variant(self) -> str:
        """``base``, ``<arm>``, ``<arm>.<condition>``, ``official``, or the key of a chat model."""
        if self.rival is not None:
            return self.model if self.rival == "chat" else self.rival
        if self.arm is None:
            return "base"
        return self.arm if self.condition is None else f"{self.arm}.{self.condition}"

    @property
    def name(self) -> str:
        """The name of the system's folder of generations."""
        if self.rival == "chat":
            return f"rival-{self.model}"
        return f"{self.model}-{self.variant}" + ("" if self.seed is None else f"-{self.seed}")


class Plan(BaseModel, extra="forbid"):
    """What ``run`` asks for, as ``data/plan.json`` holds it: nothing else is scored or shown.

    Attributes:
        systems: Those that answer the benchmarks.
        rivals: Those that answer the open-ended prompts alone.
        server: What gave the systems' answers: a key of ``servers``.
    """

    systems: list[System]
    rivals: list[System] = []
    benchmarks: list[str]
    corpus: str
    annotator: str
    judge: str
    data: str
    scale: str
    server: str = "local"


def read_plan(path: Path = PLAN) -> Plan:
    """The run's plan.

    Raises:
        InputError: The file is missing or not as ``stages.plan`` writes it.
    """
    return parameters.validate(read_json(path), Plan, "plan", path)


def derive_seed(root: int, *names: str) -> int:
    """A seed in [0, 2**31) that depends on the root seed and on the names, and on nothing else."""
    digest = hashlib.sha256("/".join([str(root), *names]).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def generator(root: int, *names: str) -> random.Random:
    return random.Random(derive_seed(root, *names))
