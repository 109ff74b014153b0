"""One item of an instruction corpus."""

import hashlib

from pydantic import BaseModel, Field


class Conversation(BaseModel, extra="forbid"):
    """Turns alternate, the user's first; the last is the assistant's."""

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


class RecordedRole(BaseModel, extra="forbid"):
    """A line of ``data/annotations/<corpus>.jsonl``."""

    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    index: int = Field(ge=0)
    source: str
    role: str


def annotation_key(first_turn: str) -> str:
    return hashlib.sha256(first_turn.encode("utf-8")).hexdigest()
