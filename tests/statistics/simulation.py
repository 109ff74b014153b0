"""How often intervals cover and tests reject, over seeded draws."""

import os
from collections.abc import Iterable

# 2,000 draws give the bounds of 93 and 97%; fewer, by default, widen them by the noise of the simulation itself.
DRAWS = int(os.environ.get("SIMULATION_DRAWS", "250"))


def coverage(intervals: Iterable[tuple[float, float]], truth: float) -> float:
    hits = [low <= truth <= high for low, high in intervals]
    return sum(hits) / len(hits)


def bounds() -> tuple[float, float]:
    noise = 0 if DRAWS >= 2_000 else 2.5 * (0.05 * 0.95 / DRAWS) ** 0.5
    return 0.93 - noise, 0.97 + noise


def assert_covers(intervals: Iterable[tuple[float, float]], truth: float) -> None:
    low, high = bounds()
    found = coverage(intervals, truth)
    assert low <= found <= high, f"covers {found:.1%}"
