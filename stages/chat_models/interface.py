"""The one interface behind which annotators and judges stand."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

Value = TypeVar("Value")


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str


class ChatRequest(BaseModel):
    """One thing to ask.

    Attributes:
        id: Names the request in outcomes; no part of the cache key.
        answer_schema: JSON schema of the answer, or None for free text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    messages: tuple[Message, ...]
    answer_schema: dict[str, Any] | None = None


class ChatReply(BaseModel):
    """What came back, and what it cost in tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    model: str
    system_fingerprint: str | None = None


class InvalidAnswer(Exception):
    """Raised by a check: the reply is not one that may be used; the reason is short and countable."""


Check = Callable[[ChatRequest, str], Value]
"""Reads a reply's text into a value, or raises :class:`InvalidAnswer`."""


class Outcome(BaseModel, Generic[Value]):
    """The end of one request: a value, or the reason why there is none."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    request: ChatRequest
    value: Value | None
    failure: str | None = None
    reply: ChatReply | None = None
    cached: bool = False
    attempts: int = 1


class ChatModel(Protocol):
    """A chat model that answers many requests, in the order given."""

    def ask(self, requests: Sequence[ChatRequest], check: Check[Value]) -> Iterator[Outcome[Value]]:
        """Outcomes in the order of the requests; replies are in the request cache before they are seen here."""
        ...
