"""One question of a benchmark, as ``data/questions/<benchmark>.jsonl`` holds it."""

import string
from typing import Literal

from pydantic import BaseModel, Field

LETTERS = string.ascii_uppercase

Normalisation = Literal["characters", "unconditional", "none"]
"""How choices are compared by their own text, as OLMES does it (arXiv 2406.08446): by the log-likelihood divided by the
choice's characters, by the log-likelihood less that after the trigger alone, or by the log-likelihood itself.
"""


class CodeTask(BaseModel, extra="forbid"):
    """What a HumanEval program is run against."""

    entry_point: str
    test: str


class Question(BaseModel, extra="forbid"):
    """A question and its right answer.

    Attributes:
        use: ``test`` questions are asked; ``shot`` ones, from another split, may stand before them as examples.
        group: The subject or category, where the benchmark has one; shots come from the same group.
        choices: What is chosen from, in the order shown; empty where the answer is free.
        answer: The right answer as its reader compares it: a choice's letter, ``yes``/``no``, a number, a span.
        aliases: Other forms of a free answer, each as right.
        worked: How a shot is answered in full, where that is more than its answer.
    """

    id: str
    use: Literal["test", "shot"] = "test"
    group: str | None = None
    question: str
    choices: list[str] = Field(default_factory=list)
    answer: str
    aliases: list[str] = Field(default_factory=list)
    worked: str | None = None
    task: CodeTask | None = None

    def lettered(self) -> str:
        """The question, its choices by letter, and how the answer is to end."""
        lines = "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, self.choices, strict=False))
        return f'{self.question}\n\n{lines}\n\nEnd with a line "Answer: X", where X is the letter of the right choice.'
