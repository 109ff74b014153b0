"""Open-ended requests for the preference stage: asked as they are, judged instead of scored.

LIMA's 300 test prompts on the Hub; in a mirror, a folder ``lmsys/open-ended``; in the bundle, our own.

    Plan a quiet birthday for a friend who dislikes surprises.
"""

import random
from collections.abc import Iterator

from stages.corpora.roots import Source
from stages.records.question import Question

ANSWER_KIND = "none"
TRIGGER = ""
REPOSITORY, FILE, REVISION = "GAIR/lima", "test.jsonl", "68958e98267f5fb4a52a03ebcdae4ae59213fa7c"
MIRRORED = "lmsys/open-ended"


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    for number, (category, prompt) in enumerate(_prompts(source)):
        yield Question(id=f"open_ended-{number}", group=category, question=prompt, answer="")


def _prompts(source: Source) -> Iterator[tuple[str, str]]:
    if source.holds(MIRRORED):
        for row in source.rows(MIRRORED, None, "test", None):
            yield row["category"], row["prompt"][0]
    else:
        for row in source.json_lines(REPOSITORY, FILE, REVISION):
            yield row["source"], row["conversations"][0]


def show(question: Question) -> str:
    return question.question
