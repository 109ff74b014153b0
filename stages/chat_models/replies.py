"""Requests as a server wants them, the key each reply is stored under, and replies and errors as servers give them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import AliasPath, BaseModel, Field, ValidationError

from stages.chat_models import ChatReply, ChatRequest, Check, InvalidAnswer, Message, Value
from stages.chat_models.pacing import LONGEST_MESSAGE, UnreadableReply, remedy_of_answer
from stages.chat_models.preset import OpenAIPreset
from stages.core.errors import describe

MODES = ("json_schema", "json_object", "text")
"""How an answer with a schema can be asked for, the strictest first."""
UNUSABLE = {"content_filter": "content filter", "length": "cut off", "prompt_too_long": "prompt too long"}
"""Finish reasons after which there is nothing to read, and what a failure of this kind is called."""
MOST_TOKENS = 10**9
STATUS_OF_TYPE = {"invalid_request_error": 400, "authentication_error": 401, "not_found_error": 404}
"""HTTP status by type, for errors sent with status 200; errors of other types are retried."""

Kind = TypeVar("Kind", bound=BaseModel)


def modes_for(request: ChatRequest, preset: OpenAIPreset) -> tuple[str, ...]:
    if request.answer_schema is None:
        return ("text",)
    return MODES if preset.answers == "auto" else (preset.answers,)


def make_body(request: ChatRequest, preset: OpenAIPreset, mode: str) -> dict[str, Any]:
    """The body of ``/chat/completions``: all that shapes the answer."""
    messages = [message.model_dump() for message in request.messages]
    body = {"model": preset.model, "messages": messages, preset.token_limit_name: preset.token_limit}
    shaping = {"temperature", "top_p", "seed", "reasoning_effort"}
    body |= preset.model_dump(include=shaping, exclude_none=True)
    if mode == "json_schema":
        named = {"name": "answer", "strict": True, "schema": request.answer_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    elif mode == "json_object":
        body["response_format"] = {"type": "json_object"}
        # JSON mode guarantees JSON, not the fields; servers also want the word JSON in a message.
        schema = json.dumps(request.answer_schema)
        told = f"Answer with one JSON object that fits this JSON schema, and with nothing else: {schema}"
        if messages[0]["role"] == "system":
            messages[0]["content"] += f"\n\n{told}"
        else:
            messages.insert(0, {"role": "system", "content": told})
    return body | preset.extra


def cache_key(body: Mapping[str, Any], base_url: str, attempt: int) -> str:
    """SHA-256 of all that shapes the answer; ``attempt`` tells apart equal requests asked again after a bad answer."""
    content = json.dumps([base_url, body, attempt], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def most_prompt_tokens(body: Mapping[str, Any]) -> int:
    """Upper bound on the prompt's tokens: each is at least a byte, and the JSON covers what each message adds."""
    return len(json.dumps([body["messages"], body.get("response_format")], ensure_ascii=False).encode())


def read_completion(payload: Any, batched: bool = False) -> ChatReply:
    """A chat completion as a reply, or :class:`UnreadableReply`; some servers give the text in parts."""
    try:
        choice = payload["choices"][0]
        content, refusal = choice["message"].get("content"), choice["message"].get("refusal")
        parts = content if isinstance(content, list) else ["" if content is None else content]
        text = "".join(part["text"] if isinstance(part, dict) else part for part in parts)
    except (TypeError, KeyError, IndexError, AttributeError):
        raise UnreadableReply("choices[0].message.content: expected a text or a list of texts") from None
    return make_reply(payload, choice, text, refusal=refusal, batched=batched)


def make_reply(payload: Mapping[str, Any], choice: Mapping[str, Any], text: str, **more: Any) -> ChatReply:
    """What replies of every kind have in common; a server may leave out all that is no answer."""
    usage = _object(payload.get("usage"))
    prompt = _tokens(usage.get("prompt_tokens"))
    values = {
        "text": text,
        "finish_reason": str(choice.get("finish_reason") or "stop"),
        "prompt_tokens": prompt,
        "completion_tokens": _tokens(usage.get("completion_tokens")),
        "cached_tokens": min(_tokens(_object(usage.get("prompt_tokens_details")).get("cached_tokens")), prompt),
        "model": str(payload.get("model") or "not named"),
        "system_fingerprint": str(payload.get("system_fingerprint") or "") or None,
        **more,
    }
    for name, value in values.items():
        if isinstance(value, str):  # half a character, which no file can hold, becomes U+FFFD
            values[name] = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return read_as(ChatReply, values)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tokens(value: Any) -> int:
    """A count of tokens; 0 where the server tells none that can be."""
    return value if isinstance(value, int) and 0 <= value < MOST_TOKENS else 0


@dataclass(frozen=True)
class Endpoint:
    """Where a body is sent, an upper bound on its prompt's tokens, and how the reply's payload is read."""

    path: str
    most_prompt_tokens: Callable[[Mapping[str, Any]], int]
    read: Callable[[Any], ChatReply]


CHAT = Endpoint("/chat/completions", most_prompt_tokens, read_completion)


def read(request: ChatRequest, reply: ChatReply, check: Check[Value]) -> tuple[Value | None, str | None]:
    """The reply's value, or None and why it cannot be used. What is cut off or refused is never shown to the check."""
    if failure := _no_answer(reply):
        return None, failure
    try:
        return check(request, reply.text), None
    except InvalidAnswer as error:
        return None, str(error)


def _no_answer(reply: ChatReply) -> str | None:
    nothing = "refused" if reply.refusal else None if reply.text.strip() else "empty"
    return UNUSABLE.get(reply.finish_reason, nothing)


def repeated(request: ChatRequest, reply: ChatReply, failure: str) -> ChatRequest:
    """The request that asks again, and says what was wrong; where nothing usable was said, the same request."""
    if _no_answer(reply):
        return request
    complaint = f"This answer cannot be used: {failure}. Answer again, as you were asked to in the first place."
    again = (Message(role="assistant", content=reply.text), Message(role="user", content=complaint))
    return request.model_copy(update={"messages": request.messages + again})


def read_json(content: bytes, preset: OpenAIPreset) -> Any:
    """The JSON that a server sends, without the key, should it repeat that; :class:`UnreadableReply` for no JSON."""
    try:
        return json.loads(preset.redact(content.decode("utf-8", "replace")))
    except RecursionError:
        raise UnreadableReply("nested too deeply") from None
    except ValueError as error:
        raise UnreadableReply(f"not JSON: {error}"[:LONGEST_MESSAGE]) from None


def read_payload(content: bytes, preset: OpenAIPreset) -> Any:
    """As :func:`read_json`; an error under status 200 raises its remedy."""
    payload = read_json(content, preset)
    if isinstance(payload, dict) and (told := payload.get("error")) and not payload.get("choices"):
        code, kind = (told.get("code"), told.get("type")) if isinstance(told, dict) else (None, None)
        status = code if isinstance(code, int) and 400 <= code < 600 else STATUS_OF_TYPE.get(str(kind), 500)
        raise remedy_of_answer(status, told, None, preset)
    return payload


def read_as(kind: type[Kind], payload: Any) -> Kind:
    """What a server tells, as a record, or :class:`UnreadableReply`."""
    try:
        return kind.model_validate(payload)
    except ValidationError as error:
        raise UnreadableReply(describe(error)) from None


class File(BaseModel):
    id: str = Field(min_length=1)


class Batch(File):
    """A batch as the server tells of it; what is not named here does not matter."""

    input_file_id: str | None = None
    status: str
    request_counts: dict[str, Any] | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    faults: list[dict[str, Any]] = Field(default=[], validation_alias=AliasPath("errors", "data"))


class Page(BaseModel):
    data: list[Batch]


class Line(BaseModel):
    """A line of a file of answers; the id is the key that the reply is stored under."""

    custom_id: str = Field(pattern="^[0-9a-f]{64}$")
    status: int = Field(default=500, validation_alias=AliasPath("response", "status_code"))
    body: Any = Field(default=None, validation_alias=AliasPath("response", "body"))
    error: Any = None
