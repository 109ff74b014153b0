"""Presets of chat models: ``annotators``, ``judges`` and ``rivals`` of ``params.yaml``, and what asking them costs."""

import asyncio
import math
import os
import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from stages.chat_models import ChatReply
from stages.core.errors import InputError
from stages.core.parameters import Section

KEY_NAME = re.compile(
    r".*api_?key|.*authorization|auth|bearer|.*secret(_key)?|password|((access|auth|bearer)_)?token|key|headers"
)
KEY_VALUE = re.compile(r"\b(sk-[\w-]{6,}|(gsk|xai|nvapi|hf|ghp)[-_]\w{20,}|AIza[\w-]{20,}|Bearer\s+\S|eyJ[\w-]{10,}\.)")


def refuse_keys(value: Any, name: str = "") -> Any:
    """The value; raises ``ValueError`` where a section holds what looks like a key, which the message never repeats."""
    if isinstance(value, dict):
        for each, below in value.items():
            where = f"{name}.{each}" if name else str(each)
            if KEY_NAME.fullmatch(str(each).lower().replace("-", "_")):
                raise ValueError(f"no such key: {where}; a server's key comes from an environment variable alone")
            if each == "base_url" and isinstance(below, str):
                _demand_plain_address(where, below)
            if each == "key_variable" and isinstance(below, str) and not (below.isidentifier() and below.isupper()):
                raise ValueError(
                    f"{where}: expected the name of an environment variable, as OPENAI_API_KEY, never the key itself"
                )
            refuse_keys(below, where)
    elif isinstance(value, list | tuple):
        for below in value:
            refuse_keys(below, name)
    elif isinstance(value, str) and KEY_VALUE.search(value):
        raise ValueError(f"{name}: looks like a key: put it into the environment variable that key_variable names")
    return value


def _demand_plain_address(name: str, url: str) -> None:
    # The value is not repeated: a key may have been pasted here.
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{name}: expected an address like https://api.openai.com/v1")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"{name}: no keys in the address: name an environment variable in key_variable")


class ChatPreset(Section):
    """What all kinds share; validating a mapping gives the preset of its ``kind``."""

    kind: Literal["recorded", "openai", "local"]
    attempts: int = Field(default=1, ge=1, le=10)
    tolerated_failures: float = Field(default=0.0, ge=0.0, lt=1.0)

    @model_validator(mode="wrap")
    @classmethod
    def of_its_kind(cls, value: Any, handler: ModelWrapValidatorHandler["ChatPreset"]) -> "ChatPreset":
        refuse_keys(value)
        name = value.get("kind") if isinstance(value, dict) else None
        if cls is not ChatPreset or not isinstance(name, str) or name not in KINDS:
            return handler(value)
        kind = KINDS[name]
        if unknown := [str(key) for key in value if key not in kind.model_fields]:
            # The value is not shown: it may be a server's key.
            raise ValueError(
                f"no such key: {', '.join(unknown)}; a preset of kind {name} has {', '.join(kind.model_fields)}"
            )
        return kind.model_validate(value)

    def cost(self, reply: ChatReply) -> float:
        """US dollars that a reply cost."""
        return 0.0


class RecordedPreset(ChatPreset):
    """Answers that were recorded earlier; nothing is asked."""

    kind: Literal["recorded"]


class LocalPreset(ChatPreset):
    """A Hugging Face model in this process.

    Attributes:
        model: A folder or a name on the Hub; None where the stage brings a folder of its own.
        max_new_tokens: Longest answer in tokens; a longer one is cut off there and counts as such.
        batch_size: How many requests are answered side by side.
        threads: Threads on a CPU: part of what fixes the bytes.
    """

    kind: Literal["local"]
    model: str | None = None
    revision: str | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    batch_size: int = Field(default=8, ge=1)
    threads: int = Field(default=2, ge=1)
    max_new_tokens: int = Field(default=256, ge=1)


class Prices(Section):
    """US dollars for a million tokens.

    Attributes:
        cached_input: For prompt tokens that the server had in its own cache; None where it gives no discount.
        batch_factor: What a batch costs, as a share of the same requests asked one by one.
    """

    input: float = Field(default=0.0, ge=0.0)
    cached_input: float | None = Field(default=None, ge=0.0)
    output: float = Field(default=0.0, ge=0.0)
    batch_factor: float = Field(default=0.5, gt=0.0, le=1.0)

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0, batched: bool = False) -> float:
        cached = self.input if self.cached_input is None else self.cached_input
        dollars = (
            (prompt_tokens - cached_tokens) * self.input + cached_tokens * cached + completion_tokens * self.output
        )
        return dollars * (self.batch_factor if batched else 1.0) / 1e6


class OpenAIPreset(ChatPreset):
    """A server that speaks OpenAI's API; ``params.yaml`` says what most keys are for.

    Attributes:
        answers: ``auto`` tries a JSON schema, then JSON mode, then text.
        temperature: None leaves it out of the request: current OpenAI models refuse any but 1.
        extra: Further keys of the request's body, as the server defines them.
        timeout: Seconds after which a request without a whole answer counts as lost.
    """

    kind: Literal["openai"]
    model: str
    base_url: str = "https://api.openai.com/v1"
    key_variable: str | None = "OPENAI_API_KEY"
    answers: Literal["auto", "json_schema", "json_object", "text"] = "auto"
    token_limit: int = Field(default=4096, ge=1)
    token_limit_name: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    temperature: float | None = Field(default=None, ge=0.0, le=2.0)
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    seed: int | None = None
    reasoning_effort: str | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    batch: bool = False
    batch_poll_seconds: float = Field(default=30.0, gt=0.0)
    batch_size: int = Field(default=50_000, ge=1, le=50_000)
    in_flight: int = Field(default=64, ge=1, le=4096)
    requests_per_minute: float | None = Field(default=None, gt=0.0)
    tokens_per_minute: float | None = Field(default=None, gt=0.0)
    timeout: float = Field(default=600.0, gt=0.0)
    tries: int = Field(default=8, ge=1)
    max_backoff: float = Field(default=60.0, gt=0.0)
    max_retry_after: float = Field(default=900.0, ge=0.0)
    prices: Prices = Prices()
    max_cost: float | None = Field(default=None, ge=0.0)
    preflight: bool = True

    @field_validator("base_url")
    @classmethod
    def without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    def cost(self, reply: ChatReply) -> float:
        return self.prices.cost(reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens, reply.batched)

    @property
    def key(self) -> str:
        return os.environ.get(self.key_variable, "").strip() if self.key_variable else ""

    def required_key(self) -> str:
        """The key, or nothing for a server that wants none; an InputError where it is missing or cannot be one."""
        if self.key_variable and not self.key:
            raise InputError(
                f"something must be asked of {self.base_url}, and the environment variable {self.key_variable} holds no"
                " key: set it; or use what was recorded, where data/annotations has a file for the corpus"
                " (run.annotator: recorded); or set the preset's key_variable to null for a server that wants no key"
            )
        if not self.key.isascii() or any(letter.isspace() for letter in self.key):
            raise InputError(f"what {self.key_variable} holds is no key: it has blanks or letters beyond ASCII")
        return self.key

    def redact(self, text: str) -> str:
        """The text without the key, should a server repeat it."""
        return text.replace(self.key, "[key]") if self.key else text


KINDS: dict[str, type[ChatPreset]] = {"recorded": RecordedPreset, "local": LocalPreset, "openai": OpenAIPreset}


class Spending:
    """What this run has spent, and what the requests under way may still cost at most; US dollars."""

    def __init__(self, preset: OpenAIPreset) -> None:
        self._preset = preset
        self.spent = 0.0
        self._reserved: list[float] = []
        self._changed = asyncio.Event()

    @property
    def left(self) -> float:
        return math.inf if self._preset.max_cost is None else self._preset.max_cost - self.spent

    def most(self, prompt_tokens: int) -> float:
        """What a request can cost at most if its answer is as long as it may be."""
        return self._preset.prices.cost(prompt_tokens, self._preset.token_limit, batched=self._preset.batch)

    async def reserve(self, most: float) -> None:
        """Wait until a request cannot pass the limit; an InputError where it may, with nothing else under way."""
        while sum(self._reserved) + most > self.left:
            if not self._reserved:
                raise InputError(
                    f"stopped before max_cost ({self._preset.max_cost:.2f} dollars) could be passed: this run spent"
                    f" {self.spent:.4f}, and the next request can cost up to {most:.4f}. All that was paid for is kept:"
                    " run again to go on with a new budget, or raise the preset's max_cost to at least"
                    f" {self.spent + most:.2f}; a lower token_limit makes the bound tighter"
                )
            self._changed.clear()
            await self._changed.wait()
        self._reserved.append(most)

    def settle(self, most: float, reply: ChatReply | None) -> None:
        """A reserved request has ended, with a reply or without."""
        self._reserved.remove(most)
        if reply is not None:
            self.add(reply, most)
        self._changed.set()

    def add(self, reply: ChatReply, most: float) -> None:
        """Count a reply, and one that does not tell its tokens at its most."""
        told = reply.prompt_tokens + reply.completion_tokens > 0
        self.spent += self._preset.cost(reply) if told else most
