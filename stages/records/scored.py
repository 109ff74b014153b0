"""One question answered by one system, read and scored: a line of ``data/scored.jsonl``."""

from pydantic import BaseModel, ConfigDict


class Scored(BaseModel):
    """Why an answer counts as right or wrong.

    Attributes:
        role: The role prompt that the system wrote, or None.
        written: The answer as read from what was written after the role prompt; None where none could be read.
        written_correct: Whether that is right, from 0 to 1; an answer that could not be read is 0.
        pattern: Which pattern read it (``strict``, ``flexible``), or None.
        loglikelihood: The choice of the highest log-likelihood; None where there are no choices.
        score: The primary reading's score of this item, from 0 to 1; None where it could not be had.
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
    written_correct: float
    pattern: str | None
    loglikelihood: str | None
    loglikelihood_correct: float | None
    f1: float | None
    score: float | None
    reason: str | None = None
