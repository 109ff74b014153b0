"""The smallest difference that a comparison would find four times in five."""

import math
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

from stages.statistics.variance import ALPHA, Array, Variance

POWER = 0.80
TAIL = 1e-9  # chance of numbers of discordant pairs that exact leaves out, at either end


def exact(difference: float, discordance: float, n: int) -> float:
    """How often McNemar's exact test at 5% finds a true difference on ``n`` pairs.

    The number of discordant pairs is not fixed in advance: its binomial distribution is summed over, and for each
    number the power of the exact test is that of a sign test (Duffy 1984, Biometrics 40:1005-1015).

    Args:
        difference: The true difference of the two shares, from 0 to ``discordance``.
        discordance: The share of pairs on which exactly one of the two systems is right; more than 0.
        n: Pairs.
    """
    discordant, chances, fewest = _sign_tests(discordance, n)
    share = (1 + difference / discordance) / 2
    found = stats.binom.sf(fewest - 1, discordant, share) + stats.binom.cdf(discordant - fewest, discordant, share)
    return float(np.sum(chances * found))


@lru_cache(maxsize=256)
def _sign_tests(discordance: float, n: int) -> tuple[Array, Array, Array]:
    """Numbers of discordant pairs that can occur, the chance of each, and the fewest wins significant at each."""
    pairs = stats.binom(n, discordance)
    discordant = np.arange(max(int(pairs.ppf(TAIL)), 1), int(pairs.isf(TAIL)) + 1)
    # A number of wins is significant if P(at least so many wins | 1/2) < 2.5%.
    fewest = stats.binom.isf(ALPHA / 2, discordant, 0.5) + 1
    fewest += stats.binom.sf(fewest - 1, discordant, 0.5) >= ALPHA / 2
    return discordant.astype(float), pairs.pmf(discordant), fewest


def from_discordance(discordance: float, n: float) -> float | None:
    """The smallest true difference that McNemar's exact test at 5% finds with 80% power, at the discordance seen.

    None where even discordant pairs that all favour one system would not be enough: a difference can never exceed
    the share of discordant pairs.

    Args:
        discordance: The share of discordant pairs.
        n: Pairs; for items in groups the effective number, rounded down.
    """
    whole = math.floor(n + 1e-9)
    if whole < 1 or discordance <= 0 or exact(discordance, discordance, whole) < POWER:
        return None

    def shortfall(difference: float) -> float:
        return exact(difference, discordance, whole) - POWER

    return float(optimize.brentq(shortfall, 0.0, discordance, xtol=1e-5))


def from_error(error: float, variance: Variance, largest: float) -> float | None:
    """The smallest true difference that a t test at 5% finds with 80% power, from the difference's standard error.

    Bloom (1995, Evaluation Review 19:547-556): (t_alpha + t_power) times the error. None where that exceeds the
    ``largest`` difference that there can be.
    """
    found = (variance.quantile(ALPHA) + variance.quantile(2 * (1 - POWER))) * error
    return None if found > largest else found
