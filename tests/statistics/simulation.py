"""How often intervals cover and tests reject, over seeded draws."""

import os
from collections.abc import Iterable, Sequence

# 2,000 draws give the bounds of 93 and 97%; fewer, by default, widen them by the noise of the simulation itself.
DRAWS = int(os.environ.get("SIMULATION_DRAWS", "250"))


def coverage(intervals: Iterable[tuple[float, float]], truth: float) -> float:
    hits = [low <= truth <= high for low, high in intervals]
    return sum(hits) / len(hits)


def noise(share: float, draws: int) -> float:
    """What a simulated share may miss its true value by, in fewer than 2,000 draws."""
    return 0 if draws >= 1_000 and DRAWS >= 2_000 else 2.5 * (share * (1 - share) / draws) ** 0.5


def bounds(draws: int = DRAWS) -> tuple[float, float]:
    return 0.93 - noise(0.05, draws), 0.97 + noise(0.05, draws)


def assert_covers(intervals: Iterable[tuple[float, float]], truth: float, draws: int = DRAWS) -> None:
    low, high = bounds(draws)
    found = coverage(intervals, truth)
    report(f"covers {found:.1%}")
    assert low <= found <= high, f"covers {found:.1%}"


def assert_seldom(happened: Sequence[bool]) -> None:
    """What may happen at most once in twenty does not happen more often, but for the simulation's own noise."""
    found = sum(happened) / len(happened)
    report(f"happens in {found:.1%}")
    assert found <= 0.05 + 2.5 * (0.05 * 0.95 / len(happened)) ** 0.5, f"happens in {found:.1%}"


def report(text: str) -> None:
    """Show it where pytest is run with -s."""
    print(f"  {text}", end="")
