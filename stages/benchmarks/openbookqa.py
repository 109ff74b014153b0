"""OpenBookQA (Mihaylov et al. 2018): elementary science applied to a situation, four choices, no book shown.

A puddle is gone after a hot afternoon because the water

A. froze
B. evaporated
…

End with a line "Answer: X", where X is the letter of the right choice.
"""

import random
from collections.abc import Iterator

from stages.corpora.roots import Fields, Source
from stages.records.question import Normalisation, Question

ANSWER_KIND = "choice"
TRIGGER = "Answer:"
NORMALISATION: Normalisation = "unconditional"  # as OLMES, arXiv 2406.08446
REPOSITORY, CONFIG, REVISION = "allenai/openbookqa", "main", "388097ea7776314e93a529163e0fea805b8a6454"
SHOTS = 5


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    for number, row in enumerate(source.rows(REPOSITORY, CONFIG, "test", REVISION)):
        yield _question(f"openbookqa-{number}", row)
    shots = rng.sample(list(source.rows(REPOSITORY, CONFIG, "train", REVISION)), SHOTS)
    for number, row in enumerate(shots):
        yield _question(f"openbookqa-shot-{number}", row).model_copy(update={"use": "shot"})


def _question(identifier: str, row: Fields) -> Question:
    answer = row.letter_of(row["answerKey"], row["choices"]["label"])
    return Question(id=identifier, question=row["question_stem"], choices=row["choices"]["text"], answer=answer)


def show(question: Question) -> str:
    return question.lettered()


def show_plain(question: Question) -> str:
    """The question without its choices."""
    return question.question
