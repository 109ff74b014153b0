"""One question answered by one system, read and scored: a line of ``data/scored.jsonl``."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Reading = Literal["cloze", "letter", "written"]


class Scored(BaseModel):
    """Why an answer counts as right or wrong. What was not asked for is null.

    Attributes:
        role: The role prompt that the system wrote, or None.
        written: The answer as read from what was written after the role prompt; None where none could be read.
        written_correct: Whether that is right, from 0 to 1; an answer that could not be read is 0.
        pattern: Which pattern read it (``strict``, ``flexible``), or None.
        letter: The label of the highest likelihood, choices shown.
        cloze: The label of the choice whose text has the highest normalised likelihood, choices not shown.
        reading: Which reading the score is: one of multiple choice's three, ``exact_match`` or ``pass@1``.
        score: That reading's score of this item, from 0 to 1; None where it could not be had.
    """

    model_config = ConfigDict(extra="forbid")

    system: str
    model: str
    variant: str
    seed: int | None
    benchmark: str
    id: str
    group: str | None
    role: str | None
    role_well_formed: bool
    target: str
    written: str | None
    written_correct: float | None
    pattern: str | None
    letter: str | None
    letter_correct: float | None
    cloze: str | None
    cloze_correct: float | None
    f1: float | None
    reading: str
    score: float | None
    reason: str | None = None
