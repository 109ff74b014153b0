"""One verdict of the judge, as ``data/judgements.jsonl`` holds it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Judgement(BaseModel):
    """Two systems' answers to one prompt, compared in one order.

    Attributes:
        seed: The training seed of the two systems; the base model, which has none, is compared under its rival's.
        judge: What judged, in words for people.
        first: The variant whose answer was shown first; ``second`` likewise.
        first_words: Length of the whole answer; ``second_words`` likewise.
        first_words_shown: How many of them the judge saw; ``second_words_shown`` likewise.
        verdict: The variant preferred, ``tie``, or None where the judge's reply could not be read.
        reply: The judge's reply as it was; None where none came.
        failure: Why there is no ordinary reply (cut off, refused, …), or None.
        log_odds: Of a local judge: log-likelihood of "A", the first answer, less that of "B", in nats; else None.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    model: str
    seed: int | None
    judge: str
    first: str
    second: str
    first_words: int
    second_words: int
    first_words_shown: int
    second_words_shown: int
    verdict: str | Literal["tie"] | None
    reply: str | None
    failure: str | None = None
    log_odds: float | None = None
