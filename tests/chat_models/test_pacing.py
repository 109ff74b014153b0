import asyncio
import email.utils
import math
import time
from bisect import bisect_left
from itertools import pairwise

import pytest

from stages.chat_models.pacing import Budget, Clock, Pacer, backoff, duration, retry_after


class Simulated(Clock):
    """Time passes only where someone sleeps, exactly as long as he sleeps."""

    def __init__(self, late: float = 0.0) -> None:
        self.time = 1000.0
        self._late = late

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds + self._late
        await asyncio.sleep(0)


def starts(pacer: Pacer, clock: Simulated, count: int, tokens: float = 0.0) -> list[float]:
    times: list[float] = []

    async def go() -> None:
        await pacer.turn(tokens)
        times.append(clock.time)

    async def main() -> None:
        await asyncio.gather(*(go() for _ in range(count)))

    asyncio.run(main())
    return times


def most_in_a_minute(times: list[float]) -> int:
    return max(bisect_left(times, first + 60.0) - place for place, first in enumerate(times))


@pytest.mark.parametrize("limit", [3.0, 10.0, 60.0, 500.0, 3000.0])
@pytest.mark.parametrize("late", [0.0, 0.002])
def test_the_limit_is_nearly_used_and_never_passed(limit: float, late: float) -> None:
    clock = Simulated(late)
    count = int(limit * 1.5) + 5
    times = starts(Pacer(limit, None, clock), clock, count)
    assert most_in_a_minute(times) <= limit
    rate = (count - 1) / (times[-1] - times[0]) * 60.0
    assert 0.97 * limit <= rate <= limit


def test_without_a_limit_nothing_waits() -> None:
    clock = Simulated()
    assert set(starts(Pacer(None, None, clock), clock, 100)) == {1000.0}


def test_tokens_are_paced_and_what_was_not_used_is_given_back() -> None:
    clock = Simulated()
    times = starts(Pacer(None, 6000.0, clock), clock, 20, tokens=1000.0)
    assert times[-1] - times[0] == pytest.approx(19 * 10.0 / 0.99, abs=0.2)

    budget = Budget(6000.0)
    budget.take(1000.0, 0.0)
    budget.give_back(900.0)
    assert budget.opens == pytest.approx(1.0 / 0.99, abs=0.11)


def test_a_hold_stops_everyone_until_it_ends() -> None:
    clock = Simulated()
    pacer = Pacer(None, None, clock)
    pacer.hold(90.0)
    pacer.hold(30.0)
    assert min(starts(pacer, clock, 5)) >= 1090.0


def test_a_limit_of_the_servers_is_adopted_where_it_is_lower() -> None:
    clock = Simulated()
    headers = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59"}
    strict, lax = Pacer(30.0, None, clock), Pacer(None, None, clock)
    strict.heed(headers, 900.0)
    lax.heed(headers, 900.0)
    assert (strict.requests.per_minute, lax.requests.per_minute) == (30.0, 60.0)
    assert {round(later - earlier, 2) for earlier, later in pairwise(starts(lax, clock, 10)[3:])} == {1.01}


def test_an_exhausted_budget_holds_until_the_server_resets_it_but_no_longer_than_allowed() -> None:
    clock = Simulated()
    pacer = Pacer(None, None, clock)
    pacer.heed({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m10s"}, 900.0)
    assert starts(pacer, clock, 1) == [pytest.approx(1070.0)]
    pacer.heed({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "24h"}, 900.0)
    assert starts(pacer, clock, 1) == [pytest.approx(1970.0)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360.0), ("120ms", 0.12), ("1.5s", 1.5), ("1h2m3s", 3723.0), ("7", 7.0), ("soon", None), ("", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert duration(text) == seconds


def test_retry_after_in_every_form() -> None:
    assert retry_after({"retry-after": "7"}) == 7.0
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    in_a_minute = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert retry_after({"retry-after": in_a_minute}) == pytest.approx(60.0, abs=2.0)
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert retry_after({"retry-after": "later"}) is None
    assert retry_after({"retry-after": "nan"}) is None
    for beyond in ("1e400", "Fri, 31 Dec 99999 23:59:59 GMT", "9" * 400):
        assert retry_after({"retry-after": beyond}) == math.inf
    assert retry_after({}) is None


def test_backoff_has_full_jitter_and_a_bound() -> None:
    assert all(0.0 <= backoff(tries, 60.0) <= min(60.0, 0.5 * 2.0**tries) for tries in range(1000))
    assert backoff(10**6, 60.0) <= 60.0
    many = [backoff(4, 60.0) for _ in range(2000)]
    assert min(many) < 0.5
    assert max(many) > 7.5


def test_odd_headers_change_nothing() -> None:
    clock = Simulated()
    pacer = Pacer(None, None, clock)
    pacer.heed({"x-ratelimit-limit-requests": "²", "x-ratelimit-limit-tokens": "-5"}, 900.0)
    pacer.heed({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, 900.0)
    assert set(starts(pacer, clock, 50)) == {1000.0}
    pacer.heed({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9" * 400 + "d"}, 900.0)
    assert starts(pacer, clock, 1) == [pytest.approx(1900.0)]
