"""Annotators, judges and rivals behind one interface: what is asked, what comes back, what it took."""

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from stages.chat_models.preset import ChatPreset

Value = TypeVar("Value")


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(Record):
    role: Literal["system", "user", "assistant"]
    content: str


class ChatRequest(Record):
    """One thing to ask; its reply is stored under a key of the messages and the schema alone.

    Attributes:
        answer_schema: JSON schema of the answer, or None for free text.
        recorded_key: What a recorded answer is found by.
    """

    id: str
    messages: tuple[Message, ...]
    answer_schema: dict[str, Any] | None = None
    recorded_key: str | None = None


class ChatReply(Record):
    """What came back, and what it cost in tokens.

    Attributes:
        cached_tokens: How many of the prompt's tokens the server billed at the lower price of its own prompt cache.
        batched: Whether it came through a batch, at the batch's price.
        token_ids: The text as token ids, where a completion server gives them.
        logprobs: What was asked of a completion server about given texts, one log-probability each.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    model: str
    system_fingerprint: str | None = None
    refusal: str | None = None
    batched: bool = False
    token_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None


class InvalidAnswer(Exception):  # noqa: N818 - it says what the answer is
    """Raised by a check: the reply may not be used; the reason is short and countable."""


Check = Callable[[ChatRequest, str], Value]
"""Reads a reply's text into a value, or raises :class:`InvalidAnswer`."""


def any_reply(_: ChatRequest, text: str) -> str:
    """A check that takes any reply, for where asking again would favour what is easy to say."""
    return text


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """The end of one request: a value, or the reason why there is none.

    Attributes:
        failure: Why there is no value: short, and the same for all failures of a kind.
        replies: Every reply that the request took, stored or new; the last is the one that was read.
        cached: Whether nothing had to be asked for it now.
    """

    request: ChatRequest
    value: Value | None
    failure: str | None = None
    replies: tuple[ChatReply, ...] = ()
    cached: bool = False

    @property
    def reply(self) -> ChatReply | None:
        return self.replies[-1] if self.replies else None


@dataclass(frozen=True)
class Estimate:
    """What asking would take: tokens of the missing requests, and what they are expected to cost in US dollars.

    Attributes:
        cached: Requests that need nothing more: their answer, or final failure, is already there.
        cost_at_most: What they cannot exceed if each is answered once, at its longest.
    """

    requests: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    cost_at_most: float

    @property
    def missing(self) -> int:
        return self.requests - self.cached

    def __str__(self) -> str:
        return (
            f"requests: {self.requests}, of which {self.cached} cached and {self.missing} missing\n"
            f"tokens of the missing: about {self.prompt_tokens} in, {self.completion_tokens} out\n"
            f"cost: about ${self.cost:.2f}, at most ${self.cost_at_most:.2f} if each is answered at once"
        )


class Bill:
    """What asking took. A run that was interrupted and resumed counts the same as any other."""

    def __init__(self, preset: "ChatPreset") -> None:
        self._preset, self._cost = preset, 0.0
        self._counts = Counter[str](requests=0, prompt_tokens=0, cached_prompt_tokens=0, completion_tokens=0)
        self._models, self._fingerprints = set[str](), set[str]()

    def count(self, outcome: Outcome[Any]) -> None:
        for reply in outcome.replies:
            self._counts.update(
                requests=1,
                prompt_tokens=reply.prompt_tokens,
                cached_prompt_tokens=reply.cached_tokens,
                completion_tokens=reply.completion_tokens,
            )
            self._cost += self._preset.cost(reply)
            self._models.add(reply.model)
            self._fingerprints.add(reply.system_fingerprint or "")

    def metrics(self) -> dict[str, Any]:
        """Requests and tokens; ``cost`` in US dollars; what the servers call the models that answered."""
        return {
            **self._counts,
            "cost": round(self._cost, 6),
            "models": sorted(self._models),
            "system_fingerprints": sorted(filter(None, self._fingerprints)),
        }


class ChatModel(Protocol):
    """A chat model that answers many requests."""

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Generator[Outcome[Value], None, None]:
        """Outcomes in the order of the requests, which are drawn as they are needed.

        Whatever was paid for is stored before it is seen here. Close the generator (``contextlib.closing``) where the
        outcomes may not be read to their end: closing it stores what the server is about to answer.
        """
        ...

    def estimate(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Estimate:
        """What :meth:`ask` would take; asks nothing."""
        ...


def cache_folder() -> Path:
    """Where replies are stored: the folder that ``REQUEST_CACHE`` names, else ``.cache/requests`` of the repository.

    An experiment may run in a temporary copy: ``DVC_ROOT``, set while a stage runs, names what was copied.
    """
    return Path(os.environ.get("REQUEST_CACHE") or Path(os.environ.get("DVC_ROOT", "."), ".cache/requests"))
