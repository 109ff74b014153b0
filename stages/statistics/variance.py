"""The variance of a mean over items, over training seeds, or over both."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

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
    residuals = values.mean(axis=0) - values.mean()
    units = residuals if groups is None else np.bincount(groups, weights=residuals)
    count = len(units)
    if count < 2:
        raise ValueError("a variance needs at least two items, and two groups where there are groups")
    of_items = count / (count - 1) * float(np.sum(units**2)) / items**2
    if seeds == 1:
        return Variance(((of_items, count - 1),))
    of_seeds = float(values.mean(axis=1).var(ddof=1)) / seeds
    return Variance(((of_seeds, seeds - 1), (max(of_items - _of_interaction(values), 0.0), count - 1)))


def _of_interaction(values: Values) -> float:
    """The part of the variance of the grand mean that is the interaction of seeds and items."""
    seeds, items = values.shape
    rest = values - values.mean(axis=0, keepdims=True) - values.mean(axis=1, keepdims=True) + values.mean()
    return float(np.sum(rest**2)) / ((seeds - 1) * (items - 1)) / (seeds * items)


def effective(values: Values, item_variance: float, groups: Groups | None = None) -> tuple[float, Variance]:
    """How much larger the variance of a mean is, with these seeds and groups, than for one seed of independent items.

    A few seeds or groups can agree by chance, and the variance estimated from them is then too small. A second estimate
    treats all seeds and items as independent (design effect 1/seeds). The one with the wider interval is used.

    Args:
        values: [seeds, items].
        item_variance: The variance of one item under one seed.
        groups: The group of each item, [items], where items come in groups.

    Returns:
        The design effect (Kish 1965, section 8.2), and the variance that it comes from.
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
