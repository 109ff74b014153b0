"""What to do about an error of the server or of the connection."""

import email.utils
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx2
import openai

from stages.chat_models.bodies import UnreadableReply
from stages.chat_models.preset import OpenAIPreset

FIRST_BACKOFF = 0.5
FORM = ("response_format", "json_schema", "json_object", "structured output")
LONGEST_MESSAGE = 500
RETRIED = frozenset({408, 409, 429})


@dataclass(frozen=True)
class Again:
    """Send the request again, after the server's own wait where it names one.

    Attributes:
        maybe_billed: Whether the server may have answered, and charged, all the same.
    """

    reason: str
    after: float | None = None
    maybe_billed: bool = False


@dataclass(frozen=True)
class GiveUp:
    """This request cannot be answered, others can."""

    reason: str


@dataclass(frozen=True)
class PlainerForm:
    """The server does not know the form of answer that was asked for."""

    message: str


@dataclass(frozen=True)
class Stop:
    """No request can be answered until someone does something: what."""

    message: str


Remedy = Again | GiveUp | PlainerForm | Stop


def remedy(error: Exception, preset: OpenAIPreset) -> Remedy:
    if isinstance(error, UnreadableReply):
        return Again("unreadable reply", maybe_billed=True)
    if isinstance(error, openai.APIConnectionError):
        return _remedy_of_connection(error)
    if isinstance(error, TimeoutError):
        return Again("no answer", maybe_billed=True)
    if isinstance(error, openai.APIStatusError):
        body = error.body if isinstance(error.body, dict) else {"message": str(error.body or "")}
        return remedy_of_answer(error.status_code, body, retry_after(error.response.headers), preset)
    raise error


def _remedy_of_connection(error: openai.APIConnectionError) -> Remedy:
    # The SDK reports every fault of a connection as a timeout of one: what it was stands in the causes.
    causes, cause = [], error.__cause__
    while cause is not None:
        causes.append(cause)
        cause = cause.__cause__
    if any(isinstance(cause, httpx2.ConnectError | aiohttp.ClientConnectorError) for cause in causes):
        return Again("no connection")  # the server never saw the request
    if any(isinstance(cause, httpx2.ReadTimeout | TimeoutError) for cause in causes):
        return Again("no answer", maybe_billed=True)
    return Again("connection lost", maybe_billed=True)


def remedy_of_answer(status: int, error: Mapping[str, Any], after: float | None, preset: OpenAIPreset) -> Remedy:
    """The remedy for an answer that is an error: its status, and the ``error`` object of its body."""
    # Servers other than OpenAI's have other fields: then all that they say is shown.
    code, message = str(error.get("code") or ""), str(error.get("message") or json.dumps(error))[:LONGEST_MESSAGE]
    if status == 429 and code in {"insufficient_quota", "billing_hard_limit_reached"}:
        return Stop(f"the account behind the key has no credit left ({message}): add some, then run again")
    if status in RETRIED or status >= 500:
        return Again(f"HTTP {status}", after)
    if "content_filter" in code or "content_policy" in code:
        return GiveUp("content filter")
    if code == "context_length_exceeded":
        return GiveUp("prompt too long")
    about = f"{error.get('param') or ''} {message}".lower()
    if status in {400, 422} and any(word in about for word in FORM):
        return PlainerForm(message)
    return Stop(_advice(status, preset) + message)


def _advice(status: int, preset: OpenAIPreset) -> str:
    server, key = preset.base_url, preset.key_variable or "(none: set key_variable)"
    advice = {
        401: f"{server} does not accept the key in {key}: put a valid one there",
        403: f"the key in {key} may not use {preset.model!r} at {server}: choose another model, or have it allowed",
        404: f"{server} has no model {preset.model!r}, or not the path asked for: mend the preset's model or base_url",
    }
    general = f"{server} refuses the request: mend the preset (token_limit_name, temperature, answers, extra)"
    return advice.get(status, general) + f". The server says ({status}): "


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, or ``Retry-After`` in seconds or as a date."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            return max(float(headers.get(name, "")) * unit, 0.0)
        except ValueError:
            continue
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return None if date is None else max(email.utils.mktime_tz(date) - time.time(), 0.0)


def backoff(tries: int, longest: float) -> float:
    """Exponential backoff with full jitter: anything from nothing to twice the last bound."""
    return random.uniform(0.0, min(longest, FIRST_BACKOFF * 2.0 ** min(tries, 30)))
