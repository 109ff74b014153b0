"""Presets of chat models: ``annotators``, ``judges`` and ``rivals`` of ``params.yaml``, and what replies cost."""

import os
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from stages.chat_models import ChatReply
from stages.core.errors import InputError
from stages.core.parameters import Section

KEY_NAME = re.compile(
    r".*api_?key|.*authorization|auth|bearer|.*secret(_key)?|password|((access|auth|bearer)_)?token|key|headers"
)
KEY_VALUE = re.compile(r"\b(sk-[\w-]{6,}|(gsk|xai|nvapi|hf|ghp)[-_]\w{20,}|AIza[\w-]{20,}|Bearer\s+\S|eyJ[\w-]{10,}\.)")
PLAIN = {
    "base_url": (
        re.compile(r"(?i)https?://(\[[\da-f:.]+\]|[^/@?#:\s\[\]]+)(:[^/@?#\s]*)?(/[^?#\s]*)?"),
        "an address like https://api.openai.com/v1, without a key: name an environment variable in key_variable",
    ),
    "key_variable": (
        re.compile("[A-Z_][A-Z0-9_]*"),
        "the name of an environment variable, as OPENAI_API_KEY, never the key itself",
    ),
}
"""Values into which a key may be pasted by mistake: what they must be like."""


def refuse_keys(value: Any, name: str = "") -> Any:
    """The value; raises ``ValueError`` where a section holds what looks like a key, which the message never repeats."""
    if isinstance(value, dict):
        for each, below in value.items():
            where = f"{name}.{each}" if name else str(each)
            if KEY_NAME.fullmatch(str(each).lower().replace("-", "_")):
                raise ValueError(f"no such key: {where}; a server's key comes from an environment variable alone")
            form, expected = PLAIN.get(each, (None, ""))
            if form and isinstance(below, str) and not form.fullmatch(below):
                raise ValueError(f"{where}: expected {expected}")
            refuse_keys(below, where)
    elif isinstance(value, list | tuple):
        for below in value:
            refuse_keys(below, name)
    elif isinstance(value, str) and KEY_VALUE.search(value):
        raise ValueError(f"{name}: looks like a key: put it into the environment variable that key_variable names")
    return value


class Preset(Section):
    """What presets of all kinds share."""

    attempts: int = Field(default=1, ge=1, le=10)
    tolerated_failures: float = Field(default=0.0, ge=0.0, lt=1.0)

    def cost(self, reply: ChatReply) -> float:
        """US dollars that a reply cost."""
        return 0.0


class RecordedPreset(Preset):
    """Answers that were recorded earlier; nothing is asked."""

    kind: Literal["recorded"]


class LocalPreset(Preset):
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


class OpenAIPreset(Preset):
    """A server that speaks OpenAI's API; ``params.yaml`` says what most keys are for.

    Attributes:
        answers: ``auto`` tries a JSON schema, then JSON mode, then text.
        temperature: None leaves it out of the request: current OpenAI models refuse any but 1.
        extra: Further keys of the request's body, as the server defines them.
        timeout: Seconds after which a request without a whole answer counts as lost.
    """

    kind: Literal["openai"]
    model: str
    base_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/"))] = "https://api.openai.com/v1"
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


ChatPreset = Annotated[
    RecordedPreset | LocalPreset | OpenAIPreset, Field(discriminator="kind"), BeforeValidator(refuse_keys)
]
