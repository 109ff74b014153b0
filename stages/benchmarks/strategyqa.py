"""StrategyQA (Geva et al. 2021): yes or no, by facts that the question does not name.

Could a sloth outrun a cheetah?

End with a line "Answer: yes" or "Answer: no".
"""

import logging
import random
from collections.abc import Iterator

from stages.corpora.roots import Source
from stages.records.question import Normalisation, Question

ANSWER_KIND = "yes_no"
TRIGGER = "Answer:"
NORMALISATION: Normalisation = "none"  # yes and no are alike in length
# No commit of it is known to this project: on the Hub, REVISION is to be set to that of the set that is used.
REPOSITORY, CONFIG, REVISION = "tasksource/strategy-qa", None, None
CHOICES = ["yes", "no"]
UNPINNED = "%s is read at its newest commit, which can change: set REVISION in %s to the commit that the Hub names"

logger = logging.getLogger(__name__)


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    """The only split with answers is the train split, so there are no shots."""
    if REVISION is None and source.folder is None:
        logger.warning(UNPINNED, REPOSITORY, __name__)
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
