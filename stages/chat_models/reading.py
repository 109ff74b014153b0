"""From a reply to a value, and from an invalid answer to the next request: the same for every kind of chat model."""

import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stages.chat_models.interface import ChatReply, ChatRequest, Check, InvalidAnswer, Message, Value

Answer = TypeVar("Answer", bound=BaseModel)

FENCE = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.DOTALL)

UNUSABLE = {"content_filter": "content filter", "length": "cut off", "prompt_too_long": "prompt too long"}
"""Finish reasons after which there is nothing to read, and what a failure of this kind is called."""


def read(request: ChatRequest, reply: ChatReply, check: Check[Value]) -> tuple[Value | None, str | None]:
    """The reply's value, or None and why it cannot be used. What is cut off or refused is never shown to the check."""
    if reply.finish_reason in UNUSABLE:
        return None, UNUSABLE[reply.finish_reason]
    if reply.refusal:
        return None, "refused"
    if not reply.text.strip():
        return None, "empty"
    try:
        return check(request, reply.text), None
    except InvalidAnswer as error:
        return None, str(error)


def repeated(request: ChatRequest, reply: ChatReply, failure: str) -> ChatRequest:
    """The request that asks again, and says what was wrong; where nothing usable was said, the same request."""
    if not reply.text.strip() or reply.refusal or reply.finish_reason in UNUSABLE:
        return request
    complaint = f"This answer cannot be used: {failure}. Answer again, as you were asked to in the first place."
    again = (Message(role="assistant", content=reply.text), Message(role="user", content=complaint))
    return request.model_copy(update={"messages": request.messages + again})


def read_json(text: str, answer: type[Answer]) -> Answer:
    """The JSON object of a reply, bare or in a code fence, validated.

    Raises:
        InvalidAnswer: There is no such object, a key stands twice, or a field is not as the model says.
    """
    fenced = FENCE.search(text)
    try:
        value = json.loads(fenced[1] if fenced else text, object_pairs_hook=_distinct)
    except json.JSONDecodeError:
        raise InvalidAnswer("not JSON") from None
    try:
        return answer.model_validate(value)
    except ValidationError:
        raise InvalidAnswer("not the fields asked for") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # json keeps the last of two equal keys, silently: which one was meant cannot be known.
    if len({key for key, _ in pairs}) < len(pairs):
        raise InvalidAnswer("a key stands twice")
    return dict(pairs)
