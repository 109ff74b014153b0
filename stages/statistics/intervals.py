"""95% intervals of a score."""

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from stages.statistics.variance import ALPHA, Groups, Values, effective, of_mean

Interval = tuple[float, float]


def wilson(successes: float, n: float, quantile: float | None = None) -> Interval:
    """Wilson's score interval for a proportion (1927, JASA 22:209-212), within [0, 1] also at 0 and n successes.

    Args:
        successes: Like ``n``, may be a fraction if it is an effective number.
        n: More than 0.
        quantile: Replaces the normal quantile 1.96.
    """
    alpha = ALPHA if quantile is None else 2 * float(stats.norm.sf(quantile))
    low, high = proportion_confint(successes, n, alpha=alpha, method="wilson")
    return _within(float(low), float(high))


def proportion(values: Values, groups: Groups | None = None) -> Interval | None:
    """Interval of the share of right answers; ``values`` [seeds, items] are 0 or 1. None without items.

    For one seed and independent items it is Wilson's. With groups of items or several seeds it is Wilson's at the
    number of independent items that would give the observed variance, with Student's quantile (Korn &
    Graubard 1998, Survey Methodology 24:193-201; compared by Franco et al. 2019, Journal of Survey Statistics and
    Methodology 7:334-364).
    """
    seeds, items = values.shape
    if items == 0:
        return None
    share = float(values.mean())
    if seeds == 1 and groups is None:
        return wilson(share * items, items)
    effect, variance = effective(values, share * (1 - share), groups)
    return wilson(share * items / effect, items / effect, variance.quantile())


def bounded_mean(values: Values) -> Interval | None:
    """Interval of the mean of values in [0, 1] such as F1, or verdicts of which a tie counts half; [seeds, items].

    Wilson's interval at the effective number of items, as in :func:`proportion`: the number of 0s and 1s with the
    same mean whose mean would vary as much. Unlike a bootstrap it keeps its level for a handful of items. Values that
    all agree get Wilson's interval at their number, since no values in [0, 1] vary more than 0 and 1 do.
    """
    items = values.shape[1]
    if items == 0:
        return None
    if np.isin(values, (0.0, 1.0)).all():
        return proportion(values)
    mean = float(values.mean())
    if np.ptp(values) == 0 or items < 2:
        return wilson(mean * items, items)
    _, variance = effective(values, float(values.var()))
    number = mean * (1 - mean) / variance.total
    return wilson(mean * number, number, variance.quantile())


def macro(values: Values, groups: Groups) -> tuple[float, Interval | None]:
    """The unweighted mean of the groups' shares of right answers, with its interval; ``values`` are [seeds, items].

    Groups are treated as a random sample. The interval is None where all groups agree: their spread is then unknown.
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
