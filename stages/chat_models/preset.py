"""Presets of chat models: ``annotators.<name>`` and ``judges.<name>`` of ``params.yaml``."""

import os
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from stages.chat_models.interface import ChatReply
from stages.parameters import Section


class ChatPreset(Section):
    """What all kinds share; validating a mapping gives the preset of its ``kind``.

    Attributes:
        attempts: How often one request is asked before its last invalid answer counts as a failure.
        tolerated_failures: Share of the requests that may fail before the stage ends with an error.
    """

    kind: Literal["recorded", "openai", "local"]
    attempts: int = Field(default=1, ge=1, le=10)
    tolerated_failures: float = Field(default=0.0, ge=0.0, lt=1.0)

    @model_validator(mode="wrap")
    @classmethod
    def of_its_kind(cls, value: Any, handler: ModelWrapValidatorHandler["ChatPreset"]) -> "ChatPreset":
        if not (cls is ChatPreset and isinstance(value, dict) and value.get("kind") in KINDS):
            return handler(value)
        kind = KINDS[value["kind"]]
        if unknown := [str(key) for key in value if key not in kind.model_fields]:
            # What stands there is not repeated: it may be a key of another kind, for a server.
            raise ValueError(
                f"no such key: {', '.join(unknown)}; a preset of kind {value['kind']} has"
                f" {', '.join(kind.model_fields)}; a server's key comes from the environment alone"
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
    device: str = "cpu"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
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
    """A server that speaks OpenAI's API.

    Attributes:
        key_variable: The environment variable that holds the key; None for a server that wants none.
        answers: How an answer with a schema is asked for; ``auto`` tries a JSON schema, then JSON mode, then text.
        token_limit: Longest answer in tokens, thinking included.
        token_limit_name: What this server calls that limit.
        temperature: None leaves it out of the request: current OpenAI models refuse any but 1.
        extra: Further keys of the request's body, as the server defines them.
        batch: Whether to ask through the Batch API.
        in_flight: How many requests may be under way at once.
        timeout: Seconds without an answer after which a request counts as lost.
        tries: How often a request is sent when the server is busy or cannot be reached.
        max_backoff: Longest random wait between two tries, in seconds.
        max_retry_after: Longest wait in seconds that the server may ask for; beyond it the run stops.
        max_cost: US dollars that one run may spend, counted at the most that its requests can cost.
        preflight: Whether to ask the server, before anything is paid, if it serves the model.
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
    def without_credentials(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            # The value is not repeated: a key may have been pasted here.
            raise ValueError("expected an address like https://api.openai.com/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("no keys in the address: name an environment variable in key_variable")
        return url.rstrip("/")

    @field_validator("key_variable")
    @classmethod
    def a_name_not_a_key(cls, name: str | None) -> str | None:
        if name is not None and not (name.isidentifier() and name.upper() == name):
            raise ValueError(
                "expected the name of an environment variable, such as OPENAI_API_KEY, never the key itself"
            )
        return name

    def cost(self, reply: ChatReply) -> float:
        return self.prices.cost(reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens, reply.batched)

    @property
    def key(self) -> str | None:
        return os.environ.get(self.key_variable) if self.key_variable else None


KINDS: dict[str, type[ChatPreset]] = {
    "recorded": RecordedPreset,
    "local": LocalPreset,
    "openai": OpenAIPreset,
}
