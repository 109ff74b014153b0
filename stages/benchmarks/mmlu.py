"""MMLU (Hendrycks et al. 2021): 57 subjects, four choices.

Which planet has the shortest year?

A. Venus
B. Mercury
C. Mars
D. Earth

End with a line "Answer: X", where X is the letter of the right choice.
"""

import random
from collections.abc import Iterator

from stages.corpora.roots import Fields, Source
from stages.records.question import Normalisation, Question

ANSWER_KIND = "choice"
TRIGGER = "Answer:"
NORMALISATION: Normalisation = "characters"  # as OLMES, arXiv 2406.08446
REPOSITORY, CONFIG, REVISION = "cais/mmlu", "all", "c30699e8356da336a370243923dbaf21066bb9fe"


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    for number, row in enumerate(source.rows(REPOSITORY, CONFIG, "test", REVISION)):
        yield _question(f"mmlu-{number}", row)
    for number, row in enumerate(source.rows(REPOSITORY, CONFIG, "dev", REVISION)):
        yield _question(f"mmlu-shot-{number}", row).model_copy(update={"use": "shot"})


def _question(identifier: str, row: Fields) -> Question:
    choices = row["choices"]
    answer = row.letter_of(row["answer"], range(len(choices)))
    return Question(id=identifier, group=row["subject"], question=row["question"], choices=choices, answer=answer)


def show(question: Question) -> str:
    return question.lettered()


def show_plain(question: Question) -> str:
    """The question without its choices."""
    return question.question
