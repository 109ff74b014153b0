"""GSM8K (Cobbe et al. 2021): grade-school word problems whose answer is a whole number.

A box holds 12 eggs. Ana buys 3 boxes and drops 5 eggs. How many whole eggs has she?

Work it out step by step. End with a line "Answer: N", where N is a number.
"""

import random
import re
from collections.abc import Iterator

from stages.core.errors import InputError
from stages.corpora.roots import Row, Source
from stages.records.question import Question

ANSWER_KIND = "number"
TRIGGER = "Answer:"
REPOSITORY, CONFIG, REVISION = "openai/gsm8k", "main", "e53f048856ff4f594e959d75785d2c2d37b678ee"
SHOTS = 8
CALCULATOR = re.compile(r"<<[^>]*>>")


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    for number, row in enumerate(source.rows(REPOSITORY, CONFIG, "test", REVISION)):
        yield _question(f"gsm8k-{number}", row)
    shots = rng.sample(list(source.rows(REPOSITORY, CONFIG, "train", REVISION)), SHOTS)
    for number, row in enumerate(shots):
        yield _question(f"gsm8k-shot-{number}", row).model_copy(update={"use": "shot"})


def _question(identifier: str, row: Row) -> Question:
    solution, mark, answer = row["answer"].partition("####")
    if not mark:
        raise InputError(f"{REPOSITORY}, {identifier}: expected an answer that ends in '#### number'")
    worked = f"{CALCULATOR.sub('', solution).strip()}\n\nAnswer: {answer.strip()}"
    return Question(id=identifier, question=row["question"], answer=answer.strip().replace(",", ""), worked=worked)


def show(question: Question) -> str:
    return f'{question.question}\n\nWork it out step by step. End with a line "Answer: N", where N is a number.'
