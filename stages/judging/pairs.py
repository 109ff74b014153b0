"""Which systems are compared: the role arm with every other system of its model and training seed, and with rivals."""

import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stages.core.errors import InputError
from stages.records.systems import System

BENCHMARK = "open_ended"
logger = logging.getLogger(__name__)


class Pair(BaseModel):
    """Two systems whose answers are compared; wins and losses are the left one's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    left: System
    right: System

    @property
    def model(self) -> str:
        return self.left.model

    @property
    def seed(self) -> int | None:
        """The left system's training seed: the base model, which has none, may stand on the right."""
        return self.left.seed

    @property
    def name(self) -> str:
        return f"{self.left.variant} - {self.right.variant}"


def planned_pairs(systems: Sequence[System]) -> list[Pair]:
    """The role arm against the standard arm, the base model, the rivals, then all others, in the order given."""
    pairs = []
    for left in systems:
        if left.variant == "role":
            rivals = [right for right in systems if right != left and _comparable(left, right)]
            pairs += [Pair(left=left, right=right) for right in sorted(rivals, key=_rank)]
    return pairs


def _comparable(left: System, right: System) -> bool:
    return right.rival == "chat" or (right.model == left.model and right.seed in {None, left.seed})


def _rank(system: System) -> int:
    return 2 if system.rival else {"standard": 0, "base": 1}.get(system.variant, 3)


def answered_pairs(pairs: Sequence[Pair], generations: Path) -> list[Pair]:
    """The pairs of which both systems answered the open-ended prompts.

    Conditions, controls and the base model need not have been asked; the two arms and the rivals must all have been,
    or none.

    Raises:
        InputError: Of two that must both have answers, one has none.
    """
    answered = []
    for pair in pairs:
        missing = [path for path in answer_files(pair, generations) if not path.is_file()]
        if not missing:
            answered.append(pair)
        elif len(missing) == 1 and (pair.right.variant == "standard" or pair.right.rival):
            raise InputError(
                f"{missing[0]} does not exist, and the system it is compared with has answers: run `dvc repro`"
            )
        else:
            logger.info("%s, seed %s: %s is not judged, %s is absent", pair.model, pair.seed, pair.name, missing[0])
    return answered


def answer_files(pair: Pair, generations: Path) -> tuple[Path, Path]:
    left, right = (generations / system.name / f"{BENCHMARK}.jsonl" for system in (pair.left, pair.right))
    return left, right
