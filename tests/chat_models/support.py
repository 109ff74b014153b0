"""What the tests of chat models share."""

import asyncio
import time
from typing import Any

from stages.chat_models import ChatRequest, Message
from stages.chat_models.pacing import Clock
from stages.chat_models.preset import OpenAIPreset

SCHEMA = {
    "type": "object",
    "properties": {"role": {"type": "string"}},
    "required": ["role"],
    "additionalProperties": False,
}


class FastClock(Clock):
    """A clock by which minutes pass in a second."""

    factor = 200.0

    def now(self) -> float:
        return time.monotonic() * self.factor

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.factor)


def openai_preset(url: str, **changes: Any) -> OpenAIPreset:
    values = {"kind": "openai", "model": "tester", "base_url": url, "key_variable": None, "token_limit": 200}
    return OpenAIPreset.model_validate(values | changes)


def request(name: str, schema: dict[str, Any] | None = None) -> ChatRequest:
    return ChatRequest(id=name, messages=(Message(role="user", content=f"item{name} please"),), answer_schema=schema)


def requests(count: int, schema: dict[str, Any] | None = None) -> list[ChatRequest]:
    return [request(str(number), schema) for number in range(count)]


def as_it_is(_: ChatRequest, text: str) -> str:
    return text
