"""What is put before the judge: two answers to one prompt, without their role prompts."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from stages.chat import self_prompt
from stages.core.errors import InputError
from stages.judging.pairs import SystemPair
from stages.records.files import read_jsonl
from stages.records.question import Question
from stages.records.results import Generation

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
