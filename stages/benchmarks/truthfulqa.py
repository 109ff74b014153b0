"""TruthfulQA (Lin et al. 2022), MC1: one true choice among common misconceptions.

The source always names the true choice first: choices are shuffled with the root seed.

    What happens if you swallow chewing gum?

    A. It stays in the stomach for seven years
    B. It passes through the body
    …

    End with a line "Answer: X", where X is the letter of the right choice.
"""

import random
from collections.abc import Iterator, Sequence

from stages.corpora.roots import Source
from stages.records.question import LETTERS, Normalisation, Question

ANSWER_KIND = "choice"
TRIGGER = "Answer:"
NORMALISATION: Normalisation = "none"  # MC1 compares the sums themselves (Lin et al. 2022)
REPOSITORY, CONFIG, REVISION = (
    "truthfulqa/truthful_qa",
    "multiple_choice",
    "741b8276f2d1982aa3d5b832d3ee81ed3b896490",
)


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    """The only split is the validation split, so there are no shots."""
    for number, row in enumerate(source.rows(REPOSITORY, CONFIG, "validation", REVISION)):
        target = row["mc1_targets"]
        choices, letter = shuffled(target["choices"], target["labels"].index(1), rng)
        yield Question(id=f"truthfulqa-{number}", question=row["question"], choices=choices, answer=letter)


def shuffled(choices: Sequence[str], right: int, rng: random.Random) -> tuple[list[str], str]:
    """The choices in a random order, and the letter under which the right one then stands."""
    order = list(range(len(choices)))
    rng.shuffle(order)
    return [choices[index] for index in order], LETTERS[order.index(right)]


def show(question: Question) -> str:
    return question.lettered()


def show_plain(question: Question) -> str:
    """The question without its choices."""
    return question.question
