"""When to send a request, and what to do where it failed."""

import asyncio
import email.utils
import json
import math
import random
import re
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import httpx2
import openai

from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.replies import LONGEST_MESSAGE, ErrorAnswer, UnreadableReply
from stages.core.errors import InputError

MARGIN = 0.99
"""Share of a limit that is used: requests may arrive late, and the server's minute may begin at another moment."""
CATCH_UP = 0.1
"""Seconds that a late timer may catch up; more would allow a burst of requests."""
FIRST_BACKOFF = 0.5

RETRIED = frozenset({408, 409, 429})
QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
FORM = ("response_format", "json_schema", "json_object", "structured output")
STATUS_OF_TYPE = {"invalid_request_error": 400, "authentication_error": 401, "not_found_error": 404}
"""HTTP status by type, for errors sent with status 200; errors of other types are retried."""

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", re.ASCII)
SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


class Clock:
    """Time and sleep in one place, so that tests can run minutes in seconds."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Budget:
    """Spreads units evenly at a rate per minute; None for no limit."""

    def __init__(self, per_minute: float | None) -> None:
        self._own = per_minute
        self.per_minute = per_minute
        self._next = float("-inf")

    def opens(self) -> float:
        """When the next unit may be taken."""
        return self._next if self.per_minute else float("-inf")

    def take(self, units: float, now: float) -> None:
        if self.per_minute:
            self._next = max(self._next, now - CATCH_UP) + units * 60.0 / (MARGIN * self.per_minute)

    def give_back(self, units: float) -> None:
        if self.per_minute:
            self._next -= units * 60.0 / (MARGIN * self.per_minute)

    def heed(self, server_limit: float) -> None:
        """Take over a limit that the server names, where it is the lower one."""
        if server_limit > 0:
            self.per_minute = min(server_limit, self._own or server_limit)


class Pacer:
    """Turns to send a request, first come, first served."""

    def __init__(self, requests: float | None, tokens: float | None, clock: Clock) -> None:
        self.requests = Budget(requests)
        self.tokens = Budget(tokens)
        self._held_until = float("-inf")
        self._clock = clock
        self._queue = asyncio.Lock()

    async def turn(self, tokens: float) -> None:
        """Wait until a request of so many tokens may be sent."""
        async with self._queue:
            while (opens := max(self._held_until, self.requests.opens(), self.tokens.opens())) > self._clock.now():
                # Short naps: tokens that are given back meanwhile may open the way earlier.
                await self._clock.sleep(min(opens - self._clock.now(), 1.0))
            now = self._clock.now()
            self.requests.take(1, now)
            self.tokens.take(tokens, now)

    def hold(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._held_until = max(self._held_until, self._clock.now() + seconds)

    def heed(self, headers: Mapping[str, str], longest: float) -> None:
        """Adopt the limits and pauses of ``x-ratelimit-*`` headers; a pause is no longer than ``longest`` seconds."""
        for kind, budget in (("requests", self.requests), ("tokens", self.tokens)):
            limit = headers.get(f"x-ratelimit-limit-{kind}", "")
            if limit.isdecimal():
                budget.heed(float(limit))
            reset = duration(headers.get(f"x-ratelimit-reset-{kind}", ""))
            if headers.get(f"x-ratelimit-remaining-{kind}") == "0" and reset:
                self.hold(min(reset, longest))


def duration(text: str) -> float | None:
    """Seconds of ``6m0s``, ``120ms`` or ``1.5``; None where it is none of these."""
    parts = list(DURATION.finditer(text.strip()))
    if not parts or "".join(part[0] for part in parts) != text.strip():
        return None
    return sum(float(part[1]) * SECONDS[part[2] or ""] for part in parts)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, or ``Retry-After`` in seconds or as a date.

    A wait beyond any date is endless; what is neither a number nor a date is None.
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if not math.isnan(seconds):
            return max(seconds, 0.0)
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    try:
        return None if date is None else max(email.utils.mktime_tz(date) - time.time(), 0.0)
    except (ValueError, OverflowError):
        return math.inf


def backoff(tries: int, longest: float) -> float:
    """Exponential backoff with full jitter: anything from nothing to twice the last bound."""
    return random.uniform(0.0, min(longest, FIRST_BACKOFF * 2.0 ** min(tries, 30)))


class Unanswered(Exception):  # noqa: N818 - it says what the request is
    """The request has no reply; the reason is short and countable."""


class FormRefused(Exception):  # noqa: N818 - it says what happened
    """The server does not know the form of answer that was asked for."""


class Gone(Exception):  # noqa: N818 - it says what the thing is
    """The server no longer has a batch or a file."""


class Again(Exception):  # noqa: N818 - it says what to do
    """Send the request again, after the server's own wait where it names one.

    Attributes:
        told: The server's own words, in brackets.
        maybe_billed: Whether the server may have answered, and charged, all the same.
        unreadable: Whether it answered something that cannot be read.
    """

    def __init__(
        self, reason: str, after: float | None = None, told: str = "", *, billed: bool = False, unreadable: bool = False
    ) -> None:
        super().__init__(reason)
        self.after, self.told, self.maybe_billed, self.unreadable = after, f"({told})" * bool(told), billed, unreadable


def remedy(error: Exception, preset: OpenAIPreset) -> Exception:
    """What to do about an error: :class:`Again`, or the exception that ends this request, or the run."""
    match error:
        case UnreadableReply():
            return Again("unreadable reply", told=str(error), billed=True, unreadable=True)
        case ErrorAnswer(told=told):
            code, kind = told.get("code"), str(told.get("type"))
            status = code if isinstance(code, int) and 400 <= code < 600 else STATUS_OF_TYPE.get(kind, 500)
            return remedy_of_answer(status, told, None, preset)
        case openai.APIStatusError(response=response):
            body = f"a redirect to {response.headers.get('location')}" if response.is_redirect else error.body
            return remedy_of_answer(error.status_code, body or error.message, retry_after(response.headers), preset)
        case openai.APIConnectionError() | aiohttp.ClientError() | httpx2.HTTPError() | TimeoutError():
            return _remedy_of_connection(error)
    return error


def _remedy_of_connection(error: BaseException) -> Again:
    # The SDK reports every fault of a connection as a timeout of one: what it was stands in the causes.
    causes = [error]
    while cause := causes[-1].__cause__:
        causes.append(cause)
    if any(isinstance(cause, httpx2.ConnectError | aiohttp.ClientConnectorError) for cause in causes):
        return Again("no connection")  # the server never saw the request
    late = any(isinstance(cause, httpx2.ReadTimeout | TimeoutError) for cause in causes)
    return Again("no answer" if late else "connection lost", billed=True)


def remedy_of_answer(status: int, error: Any, after: float | None, preset: OpenAIPreset) -> Exception:
    """The remedy for an answer that is an error: its status, and the ``error`` object of its body."""
    # Servers other than OpenAI's have other fields, or none: then all that they say is shown.
    error = error if isinstance(error, dict) else {"message": str(error)}
    code = str(error.get("code") or "")
    message = preset.redact(str(error.get("message") or json.dumps(error)))[:LONGEST_MESSAGE]
    if QUOTA & {code, str(error.get("type"))} or status == 402:
        return InputError(f"the account behind the key has no credit left ({message}): add some, then run again")
    if status in RETRIED or status >= 500:
        return Again(f"HTTP {status}", after, message)
    if "content_filter" in code or "content_policy" in code:
        return Unanswered("content filter")
    if code == "context_length_exceeded" or status == 413:
        return Unanswered("prompt too long")
    about = f"{error.get('param') or ''} {message}".lower()
    if status in {400, 422} and any(word in about for word in FORM):
        return FormRefused(message)
    return InputError(f"{_advice(status, preset)}. The server says ({status}): {message}")


def _advice(status: int, preset: OpenAIPreset) -> str:
    server, key = preset.base_url, preset.key_variable or "(none: set key_variable)"
    if 300 <= status < 400:
        return f"{server} sends requests elsewhere, which is not followed: set base_url to where they shall go"
    advice = {
        401: f"{server} does not accept the key in {key}: put a valid one there",
        403: f"the key in {key} may not use {preset.model!r} at {server}: choose another model, or have it allowed",
        404: f"{server} has no model {preset.model!r}, or not the path asked for: mend the preset's model or base_url",
    }
    general = f"{server} refuses the request: mend the preset (token_limit_name, temperature, answers, extra)"
    return advice.get(status, general)
