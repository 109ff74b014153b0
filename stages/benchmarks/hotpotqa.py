"""HotpotQA (Yang et al. 2018), closed book: two facts put together, a short answer.

In which country was the composer of The Magic Flute born?

End with a line "Answer: X", where X is as short as possible.
"""

import random
from collections.abc import Iterator

from stages.corpora.roots import Source
from stages.records.question import Question

ANSWER_KIND = "span"
TRIGGER = "Answer:"
REPOSITORY, CONFIG, REVISION = "hotpotqa/hotpot_qa", "fullwiki", "1908d6afbbead072334abe2965f91bd2709910ab"


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    for number, row in enumerate(source.rows(REPOSITORY, CONFIG, "validation", REVISION)):
        yield Question(
            id=f"hotpotqa-{number}",
            group=row["type"],
            question=row["question"],
            answer=row["answer"],
            aliases=row.get("aliases", []),  # the published set has none
        )


def show(question: Question) -> str:
    return f'{question.question}\n\nEnd with a line "Answer: X", where X is as short as possible.'
