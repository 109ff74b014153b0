"""Never faster than the server allows, never dearer than the preset does, and when to try again."""

import asyncio
import email.utils
import math
import random
import re
import time
from collections.abc import Mapping

from stages.chat_models.interface import ChatReply
from stages.chat_models.preset import OpenAIPreset
from stages.errors import InputError

MARGIN = 0.99
"""Share of a limit that is used: late arrivals may crowd, and the server's minute is not ours."""
CATCH_UP = 0.1
"""Seconds of delay that may be made up for, so that a late timer costs nothing and a crowd cannot gather."""
FIRST_BACKOFF = 0.5

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", re.ASCII)
SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


class Clock:
    """Time and waiting, in one place so that tests can run minutes in seconds."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Budget:
    """An even flow of so many units a minute; None for no limit."""

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
            while (wait := self._opens() - self._clock.now()) > 0:
                # Short naps: tokens that are given back meanwhile may open the way earlier.
                await self._clock.sleep(min(wait, 1.0))
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

    def _opens(self) -> float:
        return max(self._held_until, self.requests.opens(), self.tokens.opens())


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


class Spending:
    """What this run has spent, and what the requests under way may still cost at most; US dollars."""

    def __init__(self, preset: OpenAIPreset) -> None:
        self._preset = preset
        self.spent = 0.0
        self._reserved = 0.0
        self._under_way = 0
        self._changed = asyncio.Event()

    @property
    def left(self) -> float:
        return math.inf if self._preset.max_cost is None else self._preset.max_cost - self.spent

    def most(self, prompt_tokens: int) -> float:
        """What a request can cost at most if its answer is as long as it may be."""
        return self._preset.prices.cost(prompt_tokens, self._preset.token_limit, batched=self._preset.batch)

    async def reserve(self, most: float) -> None:
        """Wait until a request may be sent without any risk of passing the limit.

        Raises:
            InputError: It may not, even with nothing else under way.
        """
        while self._reserved + most > self.left:
            if not self._under_way:
                raise InputError(
                    f"stopped before max_cost ({self._preset.max_cost:.2f} dollars) could be passed: this run spent"
                    f" {self.spent:.4f}, and the next request can cost up to {most:.4f}. All that was paid for is kept:"
                    " run again to go on with a new budget, or raise the preset's max_cost to at least"
                    f" {self.spent + most:.2f}; a lower token_limit makes the bound tighter"
                )
            self._changed.clear()
            await self._changed.wait()
        self._reserved += most
        self._under_way += 1

    def settle(self, most: float, reply: ChatReply | None) -> None:
        """A reserved request has ended, with a reply or without."""
        self._under_way -= 1
        self._reserved = self._reserved - most if self._under_way else 0.0
        if reply is not None:
            self.add(reply, most)
        self._changed.set()

    def add(self, reply: ChatReply, most: float) -> None:
        """Count a reply, and one that does not tell its tokens at its most."""
        told = reply.prompt_tokens + reply.completion_tokens > 0
        self.spent += self._preset.cost(reply) if told else most

    def lost(self, most: float) -> None:
        """A request got no answer and may have been billed all the same: count it at its most."""
        self.spent += most
