"""Requests as the server wants them, the key each is cached under, and replies as the server sends them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stages.chat_models.interface import ChatReply, ChatRequest
from stages.chat_models.preset import OpenAIPreset

MODES = ("json_schema", "json_object", "text")
"""How an answer with a schema can be asked for, the strictest first."""


class UnreadableReply(Exception):  # noqa: N818 - it says what the reply is
    """The server said that all went well, and sent something that is no chat completion."""


def modes_for(request: ChatRequest, preset: OpenAIPreset) -> tuple[str, ...]:
    if request.answer_schema is None:
        return ("text",)
    return MODES if preset.answers == "auto" else (preset.answers,)


def make_body(request: ChatRequest, preset: OpenAIPreset, mode: str) -> dict[str, Any]:
    """The body of ``/chat/completions``: all that shapes the answer."""
    body: dict[str, Any] = {
        "model": preset.model,
        "messages": [message.model_dump() for message in request.messages],
        preset.token_limit_name: preset.token_limit,
    }
    for name in ("temperature", "top_p", "seed", "reasoning_effort"):
        if (value := getattr(preset, name)) is not None:
            body[name] = value
    if mode == "json_schema":
        schema = {"name": "answer", "strict": True, "schema": request.answer_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif mode == "json_object":
        body["response_format"] = {"type": "json_object"}
        _describe_schema(body["messages"], request.answer_schema)
    return body | preset.extra


def _describe_schema(messages: list[dict[str, str]], schema: Mapping[str, Any] | None) -> None:
    # JSON mode guarantees JSON, not the fields; servers also want the word JSON in a message.
    text = f"Answer with one JSON object that fits this JSON schema, and with nothing else: {json.dumps(schema)}"
    if messages[0]["role"] == "system":
        messages[0]["content"] += f"\n\n{text}"
    else:
        messages.insert(0, {"role": "system", "content": text})


def cache_key(body: Mapping[str, Any], base_url: str, attempt: int) -> str:
    """SHA-256 of all that shapes the answer; ``attempt`` tells apart equal requests asked again after a bad answer."""
    content = json.dumps([base_url, body, attempt], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def most_prompt_tokens(body: Mapping[str, Any]) -> int:
    """No fewer tokens than the prompt can have: a token is at least a byte, and each message brings a few marks."""
    return len(json.dumps([body["messages"], body.get("response_format")], ensure_ascii=False).encode())


def read_completion(payload: Any, batched: bool = False) -> ChatReply:
    """A chat completion as a reply.

    Raises:
        UnreadableReply: A field that matters is missing or of another type.
    """
    try:
        choice, usage = payload["choices"][0], payload.get("usage") or {}
        message = choice["message"]
        return ChatReply(
            text=message.get("content") or "",
            finish_reason=choice.get("finish_reason") or "stop",
            prompt_tokens=usage.get("prompt_tokens") or 0,
            completion_tokens=usage.get("completion_tokens") or 0,
            cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
            model=payload["model"],
            system_fingerprint=payload.get("system_fingerprint"),
            refusal=message.get("refusal"),
            batched=batched,
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableReply(f"not a chat completion: {type(error).__name__}") from None


@dataclass(frozen=True)
class Endpoint:
    """Where a body is sent, no fewer tokens than its prompt can have, and how the payload that comes back is read."""

    path: str
    most_prompt_tokens: Callable[[Mapping[str, Any]], int]
    read: Callable[[Any], ChatReply]


CHAT = Endpoint("/chat/completions", most_prompt_tokens, read_completion)
