"""StrategyQA (Geva et al. 2021): yes or no, by facts that the question does not name.

Could a sloth outrun a cheetah?

End with a line "Answer: yes" or "Answer: no".
"""

import random
from collections.abc import Iterator

from stages.corpora.roots import Source
from stages.records.question import Normalisation, Question

ANSWER_KIND = "yes_no"
TRIGGER = "Answer:"
NORMALISATION: Normalisation = "none"  # yes and no are alike in length
REPOSITORY, CONFIG, REVISION = "tasksource/strategy-qa", None, None
CHOICES = ["yes", "no"]


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    """The only split with answers is the train split, so there are no shots."""
    for number, row in enumerate(source.rows(REPOSITORY, CONFIG, "train", REVISION)):
        yield Question(
            id=f"strategyqa-{number}",
            question=row["question"],
            choices=CHOICES,
            answer="yes" if row["answer"] else "no",
            worked=" ".join([*row.get("facts", []), f"\n\nAnswer: {'yes' if row['answer'] else 'no'}"]),
        )


def show(question: Question) -> str:
    return f'{question.question}\n\nEnd with a line "Answer: yes" or "Answer: no".'


def show_plain(question: Question) -> str:
    """The question without its choices."""
    return question.question
