"""Never faster than the server allows: budgets of requests and tokens a minute, and waits that the server asks for."""

import asyncio
import re
import time
from collections.abc import Mapping

MARGIN = 0.99
"""Share of a limit that is used: late arrivals may crowd, and the server's minute is not ours."""
CATCH_UP = 0.1
"""Seconds of delay that may be made up for, so that a late timer costs nothing and a crowd cannot gather."""

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
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
