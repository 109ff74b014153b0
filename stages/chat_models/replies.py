"""Requests as a server wants them, the key each reply is stored under, and replies as servers and models give them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from stages.chat_models import ChatReply, ChatRequest, Check, InvalidAnswer, Message, Value
from stages.chat_models.preset import OpenAIPreset
from stages.core.errors import describe

MODES = ("json_schema", "json_object", "text")
"""How an answer with a schema can be asked for, the strictest first."""
UNUSABLE = {"content_filter": "content filter", "length": "cut off", "prompt_too_long": "prompt too long"}
"""Finish reasons after which there is nothing to read, and what a failure of this kind is called."""
MOST_TOKENS = 10**9
LONGEST_MESSAGE = 500

Kind = TypeVar("Kind", bound=BaseModel)


class UnreadableReply(Exception):  # noqa: N818 - it says what the reply is
    """Status 200 with a body that is no completion; the message names the field."""


class ErrorAnswer(Exception):  # noqa: N818 - it says what the answer is
    """An error in place of an answer, under status 200; ``told`` is the server's ``error`` object."""

    def __init__(self, error: Any) -> None:
        self.told: dict[str, Any] = error if isinstance(error, dict) else {"message": str(error)}


def modes_for(request: ChatRequest, preset: OpenAIPreset) -> tuple[str, ...]:
    if request.answer_schema is None:
        return ("text",)
    return MODES if preset.answers == "auto" else (preset.answers,)


def make_body(request: ChatRequest, preset: OpenAIPreset, mode: str) -> dict[str, Any]:
    """The body of ``/chat/completions``: all that shapes the answer."""
    messages = [message.model_dump() for message in request.messages]
    body = {"model": preset.model, "messages": messages, preset.token_limit_name: preset.token_limit}
    shaping = {name: getattr(preset, name) for name in ("temperature", "top_p", "seed", "reasoning_effort")}
    body |= {name: value for name, value in shaping.items() if value is not None}
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
    fingerprint = payload.get("system_fingerprint")
    values = {
        "text": text,
        "finish_reason": str(choice.get("finish_reason") or "stop"),
        "prompt_tokens": prompt,
        "completion_tokens": _tokens(usage.get("completion_tokens")),
        "cached_tokens": min(_tokens(_object(usage.get("prompt_tokens_details")).get("cached_tokens")), prompt),
        "model": str(payload.get("model") or "not named"),
        "system_fingerprint": str(fingerprint) if fingerprint else None,
        **more,
    }
    try:
        return ChatReply.model_validate(
            {name: _without_surrogates(value) if isinstance(value, str) else value for name, value in values.items()}
        )
    except ValidationError as error:
        raise UnreadableReply(describe(error)) from None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tokens(value: Any) -> int:
    """A count of tokens; 0 where the server tells none that can be."""
    return value if isinstance(value, int) and 0 <= value < MOST_TOKENS else 0


def _without_surrogates(text: str) -> str:
    """The text with U+FFFD for each half of a character, which no file can hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


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


def parse(content: bytes, preset: OpenAIPreset) -> Any:
    """The JSON that a server sends, without the key, should it repeat that; :class:`UnreadableReply` for no JSON."""
    try:
        return json.loads(preset.redact(content.decode("utf-8", "replace")))
    except RecursionError:
        raise UnreadableReply("nested too deeply") from None
    except ValueError as error:
        raise UnreadableReply(f"not JSON: {error}"[:LONGEST_MESSAGE]) from None


def read_payload(content: bytes, preset: OpenAIPreset) -> Any:
    """As :func:`parse`; an error under status 200 raises :class:`ErrorAnswer`."""
    payload = parse(content, preset)
    if isinstance(payload, dict) and payload.get("error") and not payload.get("choices"):
        raise ErrorAnswer(payload["error"])
    return payload


def read_as(kind: type[Kind], content: bytes, preset: OpenAIPreset) -> Kind:
    """What a server tells of its files and batches; raises as :func:`read_payload` does."""
    try:
        return kind.model_validate(parse(content, preset) if kind is Line else read_payload(content, preset))
    except ValidationError as error:
        raise UnreadableReply(describe(error)) from None


class File(BaseModel):
    id: str = Field(min_length=1)


class Fault(BaseModel):
    code: Any = None
    message: Any = None


class Faults(BaseModel):
    data: list[Fault] = []


class Batch(File):
    """A batch as the server tells of it; what is not named here does not matter."""

    input_file_id: str | None = None
    status: str
    request_counts: dict[str, Any] | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: Annotated[Faults, BeforeValidator(lambda told: told or {})] = Faults()


class Page(BaseModel):
    data: list[Batch]


class LineResponse(BaseModel):
    status_code: int = 500
    body: Any = None


class Line(BaseModel):
    """A line of a file of answers; the id is the key that the reply is stored under."""

    custom_id: str = Field(pattern="^[0-9a-f]{64}$")
    response: Annotated[LineResponse, BeforeValidator(lambda told: told or {})] = LineResponse()
    error: Any = None
