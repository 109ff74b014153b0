"""What is put before the judge: two answers to one prompt, without their role prompts."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from stages.chat import self_prompt
from stages.core.errors import InputError
from stages.judging.pairs import SystemPair
from stages.records.files import read_jsonl
from stages.records.question import Question
from stages.records.results import Generation

T = TypeVar("T")

CUT = " […]"


class Comparison(NamedTuple):
    """Two whole answers to one prompt."""

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
    files = pair.answer_files(generations)
    # An output that was cut inside its role prompt leaves an empty answer.
    left, right = (
        {each.id: self_prompt.answer_of(each.output or "").strip() for each in read_jsonl(path, Generation)}
        for path in files
    )
    if left.keys() != right.keys():
        name = min(left.keys() ^ right.keys())
        lacking = files[1] if name in left else files[0]
        raise InputError(f"{lacking}: {name!r} is not answered there, but in the file it is compared with")
    asked = [question for question in questions if question.id in left]
    if strange := sorted(left.keys() - {question.id for question in asked}):
        raise InputError(f"{files[0]}: {strange[0]!r} is no question of the open-ended set: run `dvc repro`")
    return [
        Comparison(pair, each.id, each.question, left[each.id], right[each.id])
        for each in evenly_spaced(asked, prompts)
    ]


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
