"""Which systems are compared: the role arm with every other system of its model and training seed, and with rivals."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import PositiveInt

from stages.core.errors import InputError
from stages.core.parameters import Section
from stages.records.systems import System

BENCHMARK = "open_ended"

logger = logging.getLogger(__name__)


class Judging(Section):
    """``scales.<scale>.preference.judging``.

    Attributes:
        prompts: How many of the answered prompts are judged, evenly spaced over them; None for all.
        answer_words: The judge sees this many words of each answer at most; None for whole answers.
    """

    prompts: PositiveInt | None = None
    answer_words: PositiveInt | None = None


class SystemPair(NamedTuple):
    """Two systems whose answers are compared; wins and losses are the left one's."""

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

    def answer_files(self, generations: Path) -> tuple[Path, Path]:
        left, right = (generations / system.name / f"{BENCHMARK}.jsonl" for system in (self.left, self.right))
        return left, right


def planned_pairs(systems: Sequence[System]) -> list[SystemPair]:
    """The role arm against the standard arm, the base model, the rivals, then all others, in the order given."""
    return [
        SystemPair(left=left, right=right)
        for left in systems
        if left.variant == "role"
        for right in sorted(systems, key=_rank)
        if right != left and (right.rival == "chat" or (right.model == left.model and right.seed in {None, left.seed}))
    ]


def _rank(system: System) -> int:
    return 2 if system.rival else {"standard": 0, "base": 1}.get(system.variant, 3)


def answered_pairs(pairs: Sequence[SystemPair], generations: Path) -> list[SystemPair]:
    """The pairs of which both systems answered the open-ended prompts.

    Conditions, controls and the base model need not have been asked; the two arms and the rivals must all have been,
    or none.

    Raises:
        InputError: Of two that must both have answers, one has none.
    """
    answered = []
    for pair in pairs:
        missing = [path for path in pair.answer_files(generations) if not path.is_file()]
        if not missing:
            answered.append(pair)
        elif len(missing) == 1 and (pair.right.variant == "standard" or pair.right.rival):
            raise InputError(
                f"{missing[0]} does not exist, and the system it is compared with has answers: run `dvc repro`"
            )
        else:
            logger.info("%s, seed %s: %s is not judged, %s is absent", pair.model, pair.seed, pair.name, missing[0])
    return answered
