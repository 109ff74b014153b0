"""When to send a request, within the limits on pace and cost, and what to do where it failed."""

import asyncio
import email.utils
import json
import math
import random
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from stages.chat_models import ChatReply
from stages.chat_models.preset import OpenAIPreset
from stages.core.errors import InputError

MARGIN = 0.99
"""Share of a limit that is used: requests may arrive late, and the server's minute may begin at another moment."""
CATCH_UP = 0.1
"""Seconds that a late timer may catch up; more would allow a burst of requests."""
FIRST_BACKOFF = 0.5
LONGEST_MESSAGE = 500
QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
FORM = ("response_format", "json_schema", "json_object", "structured output")

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", re.ASCII)
SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


class Clock:
    """Time and sleep in one place, so that tests can run minutes in seconds."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Budget:
    """Spreads units evenly at a rate per minute; None for no limit. ``opens`` is when the next may be taken."""

    def __init__(self, per_minute: float | None) -> None:
        self._own = self.per_minute = per_minute or math.inf
        self.opens = -math.inf

    def take(self, units: float, now: float) -> None:
        self.opens = max(self.opens, now - CATCH_UP)
        self.give_back(-units)

    def give_back(self, units: float) -> None:
        self.opens -= units * 60.0 / (MARGIN * self.per_minute)

    def heed(self, server_limit: float) -> None:
        """Take over a limit that the server names, where it is the lower one."""
        if server_limit > 0:
            self.per_minute = min(server_limit, self._own)


class Pacer:
    """Turns to send a request, first come, first served."""

    def __init__(self, requests: float | None, tokens: float | None, clock: Clock) -> None:
        self.requests, self.tokens = Budget(requests), Budget(tokens)
        self._held_until = -math.inf
        self._clock, self._queue = clock, asyncio.Lock()

    async def turn(self, tokens: float) -> None:
        """Wait until a request of so many tokens may be sent."""
        async with self._queue:
            while (opens := max(self._held_until, self.requests.opens, self.tokens.opens)) > self._clock.now():
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


class Spending:
    """What this run has spent, and what the requests under way may still cost at most; US dollars."""

    def __init__(self, preset: OpenAIPreset) -> None:
        self._preset, self.spent = preset, 0.0
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
                    f" {self.spent:.4f}, and what comes next can cost up to {most:.4f}. All that was paid for is kept:"
                    " run again with a new budget, or raise the preset's max_cost to at least"
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


def duration(text: str) -> float | None:
    """Seconds of ``6m0s``, ``120ms`` or ``1.5``; None where it is none of these."""
    parts = DURATION.findall(text)
    if not parts or "".join(map("".join, parts)) != text.strip():
        return None
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, or ``Retry-After`` in seconds or as a date.

    A wait beyond any date is endless; what is neither a number nor a date is None.
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        with suppress(ValueError):
            if not math.isnan(seconds := float(headers.get(name, "")) * unit):
                return max(seconds, 0.0)
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    try:
        return None if date is None else max(email.utils.mktime_tz(date) - time.time(), 0.0)
    except (ValueError, OverflowError):
        return math.inf


def backoff(tries: float, longest: float) -> float:
    """Exponential backoff with full jitter: anything from nothing to twice the last bound."""
    return random.uniform(0.0, min(longest, FIRST_BACKOFF * 2.0 ** min(tries, 30)))


class Unanswered(Exception):  # noqa: N818 - it says what the request is
    """The request has no reply; the reason is short and countable."""


class FormRefused(Exception):  # noqa: N818 - it says what happened
    """The server does not know the form of answer that was asked for."""


class Gone(Exception):  # noqa: N818 - it says what the thing is
    """The server no longer has a batch or a file."""


class Again(Exception):  # noqa: N818 - it says what to do
    """Send the request again, after the server's own wait (``after``, in seconds) where it names one.

    Attributes:
        told: The server's own words, in brackets.
        maybe_billed: Whether the server may have answered, and charged, all the same.
    """

    def __init__(self, reason: str, after: float | None = None, told: str = "", *, billed: bool = False) -> None:
        super().__init__(reason)
        self.after, self.told, self.maybe_billed = after, f"({told})" * bool(told), billed


class UnreadableReply(Again):
    """Status 200 with a body that is no completion; ``told`` names the field."""

    def __init__(self, told: str) -> None:
        super().__init__("unreadable reply", told=told, billed=True)


def remedy(error: Exception, preset: OpenAIPreset) -> Exception:
    """What to do about an error: :class:`Again`, or the exception that ends this request, or the run."""
    import aiohttp
    import httpx2
    import openai

    match error:
        case openai.APIStatusError(response=response):
            body = f"a redirect to {response.headers.get('location')}" if response.is_redirect else error.body
            return remedy_of_answer(error.status_code, body or error.message, retry_after(response.headers), preset)
        case openai.APIConnectionError() | aiohttp.ClientError() | httpx2.HTTPError() | TimeoutError():
            # The SDK reports every fault of a connection as a timeout of one: what it was stands in the causes.
            causes: list[BaseException] = [error]
            while cause := causes[-1].__cause__:
                causes.append(cause)
            if any(isinstance(cause, httpx2.ConnectError | aiohttp.ClientConnectorError) for cause in causes):
                return Again("no connection")  # the server never saw the request
            late = any(isinstance(cause, httpx2.ReadTimeout | TimeoutError) for cause in causes)
            return Again("no answer" if late else "connection lost", billed=True)
    return error


def remedy_of_answer(status: int, error: Any, after: float | None, preset: OpenAIPreset) -> Exception:
    """The remedy for an answer that is an error: its status, and the ``error`` object of its body."""
    # Servers other than OpenAI's have other fields, or none: then all that they say is shown.
    error = error if isinstance(error, dict) else {"message": str(error)}
    code = str(error.get("code") or "")
    message = preset.redact(str(error.get("message") or json.dumps(error)))[:LONGEST_MESSAGE]
    if QUOTA & {code, str(error.get("type"))} or status == 402:
        return InputError(f"the account behind the key has no credit left ({message}): add some, then run again")
    if status in {408, 409, 429} or status >= 500:
        return Again(f"HTTP {status}", after, message)
    if "content_filter" in code or "content_policy" in code:
        return Unanswered("content filter")
    if code == "context_length_exceeded" or status == 413:
        return Unanswered("prompt too long")
    about = f"{error.get('param') or ''} {message}".lower()
    if status in {400, 422} and any(word in about for word in FORM):
        return FormRefused(message)
    server, key = preset.base_url, preset.key_variable or "(none: set key_variable)"
    elsewhere = f"{server} sends requests elsewhere, which is not followed: set base_url to where they shall go"
    advice = {
        401: f"{server} does not accept the key in {key}: put a valid one there",
        403: f"the key in {key} may not use {preset.model!r} at {server}: choose another model, or have it allowed",
        404: f"{server} has no model {preset.model!r}, or not the path asked for: mend the preset's model or base_url",
    } | dict.fromkeys(range(300, 400), elsewhere)
    refused = f"{server} refuses the request: mend the preset (token_limit_name, temperature, answers, extra)"
    return InputError(f"{advice.get(status, refused)}. The server says ({status}): {message}")
