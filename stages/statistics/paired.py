"""Two systems on the same items: their difference, its interval, and a test of whether it is there at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from stages.statistics import power
from stages.statistics.variance import ALPHA, Groups, Values, Variance, effective, of_mean


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p values (1979, Scandinavian Journal of Statistics 6:65-70); a None is no test and stays None."""
    tested = [p for p in p_values if p is not None]
    if not tested:
        return list(p_values)
    adjusted = iter(multipletests(tested, method="holm")[1].tolist())
    return [None if p is None else next(adjusted) for p in p_values]


RESAMPLES = 9_999


@dataclass(frozen=True)
class Difference:
    """The first system's share of right answers less the second's.

    Attributes:
        equivalent: Whether two one-sided tests at 5% put the difference within the margin, which is so where the 90%
            interval lies within it (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15:657-680).
        detectable: The smallest difference that this comparison would find 4 times in 5; None where it could find none.
        test: ``mcnemar_exact`` for one seed; ``permutation_by_group`` for one seed and items in groups;
            ``seeds_and_items_t`` for several seeds.
    """

    delta: float
    ci_low: float
    ci_high: float
    p: float
    equivalent: bool
    detectable: float | None
    n: int
    test: Literal["mcnemar_exact", "permutation_by_group", "seeds_and_items_t"]


def difference(
    first: Values, second: Values, seed: int, groups: Groups | None = None, margin: float = 0.03
) -> Difference | None:
    """Compare two systems on the same items; both arrays are [seeds, items] of 0 and 1. None without items.

    The interval is Bonett & Price's (2012, Journal of Educational and Behavioral Statistics 37:479-488), which adds
    one pair to each kind of disagreement and so stays sane where there are few or none. Groups and seeds enter it
    through the design effect and Student's quantiles (see :mod:`stages.statistics.variance`). The test over several
    seeds is the t test that belongs to this interval, so that the spread between seeds enters it.
    """
    seeds, n = first.shape
    if n == 0:
        return None
    won, lost = float(np.sum(first > second)) / seeds, float(np.sum(first < second)) / seeds
    delta, discordance = (won - lost) / n, (won + lost) / n
    if seeds == 1 and groups is None:
        effect, variance = 1.0, Variance(((1.0, float("inf")),))
    else:
        effect, variance = effective(first - second, discordance - delta**2, groups)
    centre, error = _adjusted(won / effect, lost / effect, n / effect)
    reach = variance.quantile() * error
    within = variance.quantile(2 * ALPHA) * error
    equivalent = -margin < centre - within and centre + within < margin
    interval = (delta, max(centre - reach, -1.0), min(centre + reach, 1.0))
    if seeds > 1:
        detectable = power.from_error(error, variance, discordance)
        p = variance.p(abs(centre) / error)
        return Difference(*interval, p, equivalent, detectable, n, "seeds_and_items_t")
    detectable = power.from_discordance(discordance, n / effect)
    if groups is not None:
        p = _permutation(first[0] - second[0], groups, seed)
        return Difference(*interval, p, equivalent, detectable, n, "permutation_by_group")
    return Difference(*interval, mcnemar_exact(int(won), int(lost)), equivalent, detectable, n, "mcnemar_exact")


def mcnemar_exact(won: int, lost: int) -> float:
    """Two-sided p of McNemar's exact test: the discordant items as tosses of a fair coin; 1 without any."""
    return min(1.0, float(mcnemar([[0, won], [lost, 0]], exact=True).pvalue))


def _adjusted(won: float, lost: float, n: float) -> tuple[float, float]:
    """Bonett & Price's adjusted difference and its standard error."""
    gain, loss = (won + 1) / (n + 2), (lost + 1) / (n + 2)
    return gain - loss, ((gain + loss - (gain - loss) ** 2) / (n + 2)) ** 0.5


def _permutation(differences: Values, groups: Groups, seed: int) -> float:
    """Two-sided p when the two systems' names are swapped at random, by whole groups (Good 2005, section 3.7).

    Exact where the groups that favour either system are few; groups that favour none change nothing and are left out.
    """
    totals = np.bincount(groups, weights=differences)
    totals = totals[totals != 0]
    if len(totals) < 2:
        return 1.0  # swapping a single group gives a difference as large
    result = stats.permutation_test(
        (totals,),
        np.sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=1_000,
        rng=np.random.default_rng(seed),
    )
    return min(1.0, float(result.pvalue))


def mean_difference(differences: Values, seed: int) -> tuple[float, float, float, float, str]:
    """Mean of paired differences of a continuous measure, [seeds, items]: mean, 95% interval, two-sided p, test.

    Student's interval over items, and over seeds where there are several. The test of one seed flips signs at random
    (Good 2005, section 3.7); over several seeds it is the t test that belongs to the interval.

    Raises:
        ValueError: There are fewer than two items.
    """
    mean, variance = float(differences.mean()), of_mean(differences)
    interval = (mean, mean - variance.reach, mean + variance.reach)
    if len(differences) > 1:
        error = variance.total**0.5
        return *interval, variance.p(abs(mean) / error) if error else float(mean == 0), "seeds_and_items_t"
    return *interval, _permutation(differences[0], np.arange(differences.shape[1]), seed), "permutation"
