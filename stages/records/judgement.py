"""One verdict of the judge, as ``data/judgements.jsonl`` holds it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Judgement(BaseModel):
    """Two systems' answers to one prompt, compared in one order.

    Attributes:
        first: The variant whose answer was shown first; ``second`` likewise.
        verdict: The variant preferred, ``tie``, or None where the judge's reply could not be read.
        reply: The judge's reply as it was.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    model: str
    seed: int | None
    first: str
    second: str
    first_words: int
    second_words: int
    verdict: str | Literal["tie"] | None
    reply: str
