"""One item of an instruction corpus."""

import hashlib

from pydantic import BaseModel, ConfigDict, Field


class Conversation(BaseModel):
    """Turns alternate, the user's first; the last is the assistant's."""

    model_config = ConfigDict(extra="forbid")

    id: str
    source: str
    turns: list[str] = Field(min_length=2)

    @property
    def key(self) -> str:
        """What recorded annotations are keyed by: SHA-256 of the first user turn in UTF-8."""
        return annotation_key(self.turns[0])


class AnnotatedConversation(Conversation):
    """A conversation with the role prompt of the expert who would answer it best."""

    role: str


class RecordedRole(BaseModel):
    """A line of ``data/annotations/<corpus>.jsonl``."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    index: int = Field(ge=0)
    source: str
    role: str


def annotation_key(first_turn: str) -> str:
    return hashlib.sha256(first_turn.encode("utf-8")).hexdigest()
