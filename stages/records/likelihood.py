"""How likely a system finds one reference answer, as ``data/likelihoods/<system>.jsonl`` holds it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

RoleGiven = Literal["own", "recorded", "other", "generic", "none"]


class ReferenceLikelihood(BaseModel):
    """The first reference answer of one held-out conversation.

    Attributes:
        id: The conversation's.
        tokens: Tokens of the reference answer, the end of turn included.
        own_role: The role prompt that the system wrote for the conversation's first turn, or None.
        nats: Negative log-likelihood of the answer, summed over its tokens, by the role prompt that stands before it:
            the system's own, the recorded one, another conversation's, a generic one, or none.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    tokens: int = Field(ge=1)
    own_role: str | None
    nats: dict[RoleGiven, float]
