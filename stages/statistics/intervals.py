"""95% intervals of a score, and the variance of a mean over items, over training seeds, or over both."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

Array = NDArray[np.float64]
Values = Array  # [seeds, items]
Groups = NDArray[np.int64]  # [items]: the number of each item's group

ALPHA = 0.05


@dataclass(frozen=True)
class Variance:
    """An estimated variance: the sum of independent estimates, each with its degrees of freedom."""

    parts: tuple[tuple[float, float], ...]

    @property
    def total(self) -> float:
        return sum(variance for variance, _ in self.parts)

    def quantile(self, alpha: float = ALPHA) -> float:
        """Half the width of a two-sided interval of level 1 - alpha, in standard errors.

        Cochran's mean of Student's quantiles, weighted by the variances (1964, Biometrics 20:191-195). Unlike
        Satterthwaite's degrees of freedom it holds its level for two or three seeds.
        """
        quantiles = [float(stats.t.isf(alpha / 2, degrees)) for _, degrees in self.parts]
        if self.total == 0:
            return max(quantiles)
        return sum(variance * q for (variance, _), q in zip(self.parts, quantiles, strict=True)) / self.total

    def p(self, errors: float) -> float:
        """Two-sided p of a difference given in standard errors: the alpha whose interval just reaches zero."""
        if errors <= 0:
            return 1.0
        smallest = 1e-12
        if self.quantile(smallest) <= errors:
            return smallest
        return float(optimize.brentq(lambda alpha: self.quantile(alpha) - errors, smallest, 1.0, xtol=1e-13))

    @property
    def reach(self) -> float:
        return self.quantile() * self.total**0.5


def of_mean(values: Values, groups: Groups | None = None) -> Variance:
    """The variance of the mean of ``values`` [seeds, items], with seeds and items (or groups) as random samples.

    Items of one group (a subject of MMLU) may be alike, so groups are the units drawn: the cluster-robust variance with
    the correction G/(G - 1) (Liang & Zeger 1986, Biometrika 73:13-22; for benchmarks Miller 2024, arXiv 2411.00640).

    Seeds and items are crossed: every seed answers every item. The variance of the mean is that of the seeds' means
    plus that of the items' means, less the interaction that both contain, as in the analysis of readers who all read
    the same cases (Dorfman, Berbaum & Metz 1992, Investigative Radiology 27:723-731; Hillis, Berbaum & Metz 2008,
    Academic Radiology 15:647-661).

    Raises:
        ValueError: There are fewer than two items or groups.
    """
    seeds, items = values.shape
    of_item, of_seed, grand = values.mean(axis=0), values.mean(axis=1, keepdims=True), values.mean()
    units = of_item - grand if groups is None else np.bincount(groups, weights=of_item - grand)
    count = len(units)
    if count < 2:
        raise ValueError("a variance needs at least two items, and two groups where there are groups")
    of_items = count / (count - 1) * float(np.sum(units**2)) / items**2
    if seeds == 1:
        return Variance(((of_items, count - 1),))
    interaction = float(np.sum((values - of_item - of_seed + grand) ** 2)) / ((seeds - 1) * (items - 1))
    of_seeds = float(of_seed.var(ddof=1)) / seeds
    return Variance(((of_seeds, seeds - 1), (max(of_items - interaction / (seeds * items), 0.0), count - 1)))


def effective(values: Values, item_variance: float, groups: Groups | None = None) -> tuple[float, Variance]:
    """How much larger the variance of a mean is, with these seeds and groups, than for one seed of independent items.

    A few seeds or groups can agree by chance, and the variance estimated from them is then too small. A second estimate
    treats all seeds and items as independent (design effect 1/seeds). The one with the wider interval is used.

    ``values`` are [seeds, items], ``item_variance`` that of one item under one seed. Returns the design effect (Kish
    1965, section 8.2), and the variance that it comes from.
    """
    seeds, items = values.shape
    if items < 2 or item_variance <= 0:
        return 1.0, Variance(((item_variance, float("inf")),))
    independent = item_variance / (items - 1)
    candidates = [Variance(((independent / seeds, float("inf")),))]
    if groups is None or len(np.unique(groups)) > 1:
        candidates.append(of_mean(values, groups))
    widest = max(candidates, key=lambda variance: variance.reach)
    return widest.total / independent, widest


Interval = tuple[float, float]


def wilson(successes: float, n: float, quantile: float | None = None) -> Interval:
    """Wilson's score interval for a proportion (1927, JASA 22:209-212), within [0, 1] also at 0 and n successes.

    Both numbers may be fractions, as effective numbers are; ``quantile`` replaces the normal one, 1.96.
    """
    alpha = ALPHA if quantile is None else 2 * float(stats.norm.sf(quantile))
    low, high = proportion_confint(successes, n, alpha=alpha, method="wilson")
    return max(float(low), 0.0), min(float(high), 1.0)


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
    return mean, (max(mean - reach, 0.0), min(mean + reach, 1.0))
