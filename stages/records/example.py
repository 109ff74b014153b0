"""One answer of the side-by-side examples, as ``data/examples.jsonl`` holds it."""

from pydantic import BaseModel, ConfigDict


class Example(BaseModel):
    """What one system answered to one question.

    Attributes:
        id: The question's, in its benchmark.
        manual_role: The role prompt that was put into the question by hand; None where none was.
        role: The role prompt that the model wrote itself, or None.
        answer: What follows it.
        finished: Whether the model ended its turn before the limit.
    """

    model_config = ConfigDict(extra="forbid")

    benchmark: str
    id: str
    variant: str
    manual_role: str | None
    role: str | None
    answer: str
    finished: bool
