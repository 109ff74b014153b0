"""The smallest difference that a comparison could find."""

import numpy as np
from scipy import optimize, stats

from stages.statistics.variance import ALPHA, Variance

POWER = 0.80


def exact(discordance: float, difference: float, n: int) -> float:
    """Power of McNemar's exact test at 5%, over all that ``n`` pairs may show.

    The number of discordant pairs is binomial with the share ``discordance``; of k of them the first system wins a
    binomial number with the share (discordance + difference) / (2 discordance), and the test rejects in both tails of
    Binomial(k, 1/2) (Duffy 1984, Biometrics 40:1005-1015).

    Args:
        discordance: Share of pairs on which just one system is right, in (0, 1].
        difference: First system's share less the second's, at most ``discordance``.
        n: Pairs.
    """
    counts = np.arange(n + 1)
    weights = stats.binom.pmf(counts, n, discordance)
    counts, weights = counts[weights > 1e-12], weights[weights > 1e-12]
    # The largest number of wins that is still significantly few; -1 where no number is.
    limit = stats.binom.ppf(ALPHA / 2, counts, 0.5)
    limit = np.where(2 * stats.binom.cdf(limit, counts, 0.5) < ALPHA, limit, limit - 1)
    wins = min(1.0, (discordance + difference) / (2 * discordance))
    rejected = stats.binom.cdf(limit, counts, wins) + stats.binom.sf(counts - limit - 1, counts, wins)
    return float(np.sum(weights * np.where(limit < 0, 0.0, rejected)))


def from_discordance(discordance: float, n: float) -> float | None:
    """Smallest true difference that McNemar's exact test finds with 80% power at the share of discordant pairs seen.

    None where even the largest difference that this share allows, itself, would be found less often.
    """
    pairs = int(n)
    if discordance <= 0 or exact(discordance, discordance, pairs) < POWER:
        return None
    if exact(discordance, 0.0, pairs) >= POWER:
        return 0.0
    return float(optimize.brentq(lambda d: exact(discordance, d, pairs) - POWER, 0.0, discordance, xtol=1e-9))


def from_error(error: float, variance: Variance, most: float = 1.0) -> float | None:
    """Smallest true difference that a t test at 5% finds with 80% power, from the difference's standard error.

    Bloom (1995, Evaluation Review 19:547-556): (t_alpha + t_power) times the error. None where that exceeds ``most``,
    the share of discordant pairs, beyond which no difference can lie.
    """
    detectable = (variance.quantile(ALPHA) + variance.quantile(2 * (1 - POWER))) * error
    return None if detectable > most else detectable
