"""Which systems are compared, and what is put before the judge.

The role arm is compared with every other system of its model and training seed, and with rivals: two answers to one
prompt, without their role prompts.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, PositiveInt

from stages.chat import self_prompt
from stages.core.errors import InputError
from stages.core.parameters import Section
from stages.records.files import read_jsonl
from stages.records.question import Question
from stages.records.results import Generation
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


class SystemPair(BaseModel):
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


T = TypeVar("T")

CUT = " […]"


class Comparison(BaseModel):
    """Two whole answers to one prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pair: SystemPair
    id: str
    request: str
    left: str
    right: str


def comparisons(
    pair: SystemPair, questions: Sequence[Question], generations: Path, prompts: int | None
) -> list[Comparison]:
    """A pair's comparisons, in the order of the questions.

    Raises:
        InputError: The two systems did not answer the same prompts, or answered one that is no question.
    """
    left_file, right_file = pair.answer_files(generations)
    left, right = answers(left_file), answers(right_file)
    if left.keys() != right.keys():
        name = min(left.keys() ^ right.keys())
        lacking = right_file if name in left else left_file
        raise InputError(f"{lacking}: {name!r} is not answered there, but in the file it is compared with")
    asked = [question for question in questions if question.id in left]
    if strange := sorted(left.keys() - {question.id for question in asked}):
        raise InputError(f"{left_file}: {strange[0]!r} is no question of the open-ended set: run `dvc repro`")
    return [
        Comparison(pair=pair, id=each.id, request=each.question, left=left[each.id], right=right[each.id])
        for each in evenly_spaced(asked, prompts)
    ]


def answers(path: Path) -> dict[str, str]:
    """What each prompt was answered with; empty where the output was cut inside its role prompt."""
    generations = read_jsonl(path, Generation)
    return {generation.id: self_prompt.answer_of(generation.output or "").strip() for generation in generations}


def evenly_spaced(items: Sequence[T], count: int | None) -> list[T]:
    """``count`` of the items: a file sorted by category keeps a few of each."""
    if count is None or count >= len(items):
        return list(items)
    return [items[index * len(items) // count] for index in range(count)]


def shown(answer: str, words: int | None) -> str:
    """The answer's first words, marked as cut where something is left out."""
    ends = [match.end() for match in re.finditer(r"\S+", answer)]
    if words is None or len(ends) <= words:
        return answer
    return answer[: ends[words - 1]] + CUT


def count_words(answer: str) -> int:
    return len(answer.split())
