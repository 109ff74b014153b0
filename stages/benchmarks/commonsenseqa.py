"""CommonsenseQA (Talmor et al. 2019): everyday knowledge, five choices; its validation split has the keys.

Where would you put wet boots so that the hall stays clean?

A. bed
B. doormat
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
REPOSITORY, CONFIG, REVISION = "tau/commonsense_qa", "default", "94630fe30dad47192a8546eb75f094926d47e155"
SHOTS = 5


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    for number, row in enumerate(source.rows(REPOSITORY, CONFIG, "validation", REVISION)):
        yield _question(f"commonsenseqa-{number}", row)
    shots = rng.sample(list(source.rows(REPOSITORY, CONFIG, "train", REVISION)), SHOTS)
    for number, row in enumerate(shots):
        yield _question(f"commonsenseqa-shot-{number}", row).model_copy(update={"use": "shot"})


def _question(identifier: str, row: Fields) -> Question:
    answer = row.letter_of(row["answerKey"], row["choices"]["label"])
    return Question(id=identifier, question=row["question"], choices=row["choices"]["text"], answer=answer)


def show(question: Question) -> str:
    return question.lettered()


def show_plain(question: Question) -> str:
    """The question without its choices."""
    return question.question
