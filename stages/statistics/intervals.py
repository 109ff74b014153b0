"""95% intervals of a score."""

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from stages.statistics.variance import ALPHA, Groups, Values, effective, of_mean

RESAMPLES = 1_999
FEWEST_FOR_BOOTSTRAP = 30

Interval = tuple[float, float]


def wilson(successes: float, n: float, quantile: float | None = None) -> Interval:
    """Wilson's score interval for a proportion (1927, JASA 22:209-212), within [0, 1] also at 0 and n successes.

    Args:
        successes: May be a fraction, as ``n``, where either stands for an effective number.
        n: More than 0.
        quantile: What takes the place of the normal quantile 1.96.
    """
    alpha = ALPHA if quantile is None else 2 * float(stats.norm.sf(quantile))
    low, high = proportion_confint(successes, n, alpha=alpha, method="wilson")
    return _within(float(low), float(high))


def proportion(values: Values, groups: Groups | None = None) -> Interval | None:
    """Interval of the share of right answers; ``values`` [seeds, items] are 0 or 1. None without items.

    Wilson's, where one seed answered items that have nothing to do with one another. Where items come in groups or
    there are several seeds, Wilson's at the number of independent items that would give the variance seen, with
    Student's quantile (Korn & Graubard 1998, Survey Methodology 24:193-201; compared by Franco et al. 2019, Journal of
    Survey Statistics and Methodology 7:334-364).
    """
    seeds, items = values.shape
    if items == 0:
        return None
    share = float(values.mean())
    if seeds == 1 and groups is None:
        return wilson(share * items, items)
    effect, variance = effective(values, share * (1 - share), groups)
    return wilson(share * items / effect, items / effect, variance.quantile())


def bounded_mean(values: Values, seed: int) -> Interval | None:
    """Interval of the mean of values in [0, 1] that are not only 0 and 1, such as F1; ``values`` are [seeds, items].

    The percentile bootstrap over items (Efron & Tibshirani 1993, chapter 13); over several seeds Student's, with the
    variance of seeds and items. Of few items, or where all values agree, Wilson's, which is wide enough: no variable in
    [0, 1] varies more than one that is 0 or 1, and the bootstrap of one success in six reaches from 0 to 0.5.
    """
    seeds, items = values.shape
    if items == 0:
        return None
    mean = float(values.mean())
    if np.ptp(values) == 0 or (seeds == 1 and items < FEWEST_FOR_BOOTSTRAP):
        return wilson(mean * items, items)
    if seeds > 1:
        _, variance = effective(values, float(values.var()))
        return _within(mean - variance.reach, mean + variance.reach)
    result = stats.bootstrap(
        (values[0],),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, 2_000_000 // items),
        vectorized=True,
        confidence_level=1 - ALPHA,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def macro(values: Values, groups: Groups) -> tuple[float, Interval | None]:
    """The unweighted mean of the groups' shares, with its interval: groups are what is drawn. ``values`` as elsewhere.

    The interval is None where the groups agree, so that nothing can be said of how they differ.
    """
    sizes = np.bincount(groups)
    means = np.stack([np.bincount(groups, weights=row) / sizes for row in values])
    mean = float(means.mean())
    if len(sizes) < 2 or np.ptp(means) == 0:
        return mean, None
    reach = of_mean(means).reach
    return mean, _within(mean - reach, mean + reach)


def _within(low: float, high: float) -> Interval:
    return max(low, 0.0), min(high, 1.0)
