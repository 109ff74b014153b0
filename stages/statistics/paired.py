"""Two systems on the same items: their difference, its interval, a test, its power, and what may be concluded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar

from stages.statistics.intervals import ALPHA, Array, Groups, Values, Variance, effective, of_mean

POWER = 0.80
TAIL = 1e-9  # chance of numbers of discordant pairs that exact leaves out, at either end


def exact(difference: float, discordance: float, n: int) -> float:
    """How often McNemar's exact test at 5% finds a true difference on ``n`` pairs.

    The number of discordant pairs is not fixed in advance: its binomial distribution is summed over, and for each
    number the power of the exact test is that of a sign test (Duffy 1984, Biometrics 40:1005-1015). ``discordance`` is
    the share of pairs on which exactly one of the two systems is right: more than 0, and at least ``difference``.
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
    the share of discordant pairs. ``n`` are pairs; for items in groups the effective number, rounded down.
    """
    whole = math.floor(n + 1e-9)
    if whole < 1 or discordance <= 0 or exact(discordance, discordance, whole) < POWER:
        return None
    found = optimize.brentq(lambda true: exact(true, discordance, whole) - POWER, 0.0, discordance, xtol=1e-5)
    return float(found)


def from_error(error: float, variance: Variance, largest: float) -> float | None:
    """The smallest true difference that a t test at 5% finds with 80% power, from the difference's standard error.

    Bloom (1995, Evaluation Review 19:547-556): (t_alpha + t_power) times the error. None where that exceeds the
    ``largest`` difference that there can be.
    """
    found = (variance.quantile(ALPHA) + variance.quantile(2 * (1 - POWER))) * error
    return None if found > largest else found


RESAMPLES = 9_999

Test = Literal["mcnemar_exact", "permutation_by_group", "permutation", "seeds_and_items_t"]
Verdict = Literal["higher", "lower", "equivalent", "undecided"]


@dataclass(frozen=True)
class Difference:
    """The first system less the second.

    Attributes:
        detectable: The smallest difference that this comparison would find 4 times in 5; None where it could find none.
        n: Items.
        test: Shares of one seed: ``mcnemar_exact``, and ``permutation_by_group`` where items come in groups. Means of
            one seed: ``permutation``. Several seeds: ``seeds_and_items_t``.
    """

    delta: float
    ci_low: float
    ci_high: float
    p: float
    detectable: float | None
    n: int
    test: Test


def difference(first: Values, second: Values, seed: int, groups: Groups | None = None) -> Difference | None:
    """Compare the shares of right answers; both arrays are [seeds, items] of 0 and 1. None without items.

    The interval is Bonett & Price's (2012, Journal of Educational and Behavioral Statistics 37:479-488), which adds
    one pair to each kind of disagreement and so stays valid where there are few or none. Groups and seeds enter it
    through the design effect and Student's quantiles (see :mod:`stages.statistics.intervals`). The test over several
    seeds is the t test that belongs to this interval, so that it accounts for the spread between seeds.
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
    gain, loss = (won / effect + 1) / (n / effect + 2), (lost / effect + 1) / (n / effect + 2)
    centre = gain - loss
    error = ((gain + loss - centre**2) / (n / effect + 2)) ** 0.5
    reach = variance.quantile() * error
    shared = (delta, max(centre - reach, -1.0), min(centre + reach, 1.0))
    if seeds > 1:
        found = from_error(error, variance, discordance)
        return Difference(*shared, variance.p(abs(centre) / error), found, n, "seeds_and_items_t")
    detectable = from_discordance(discordance, n / effect)
    if groups is None:
        return Difference(*shared, mcnemar_exact(int(won), int(lost)), detectable, n, "mcnemar_exact")
    return Difference(*shared, _permutation(first - second, groups, seed), detectable, n, "permutation_by_group")


def mean_difference(first: Values, second: Values, seed: int, groups: Groups | None = None) -> Difference | None:
    """Compare means of any values, such as nats a token; both arrays are [seeds, items]. None below two units.

    Units are items, or groups where there are any. The interval is Student's. The test of one seed swaps the two
    systems' names at random, unit by unit; that of several is the t test of the interval.
    """
    seeds, n = first.shape
    if n < 2 or (groups is not None and len(np.unique(groups)) < 2):
        return None
    differences = first - second
    delta, variance = float(differences.mean()), of_mean(differences, groups)
    error = variance.total**0.5
    shared = (delta, delta - variance.reach, delta + variance.reach)
    detectable = from_error(error, variance, float("inf"))
    if seeds > 1:
        p = variance.p(abs(delta) / error) if error else float(delta == 0)
        return Difference(*shared, p, detectable, n, "seeds_and_items_t")
    test: Test = "permutation" if groups is None else "permutation_by_group"
    return Difference(*shared, _permutation(differences, groups, seed), detectable, n, test)


def mcnemar_exact(won: int, lost: int) -> float:
    """Two-sided p of McNemar's exact test, with discordant items as tosses of a fair coin; 1 without any."""
    return min(1.0, float(mcnemar([[0, won], [lost, 0]], exact=True).pvalue))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p values (1979, Scandinavian Journal of Statistics 6:65-70); None is no test and stays None."""
    # By hand, since statsmodels collects garbage at each call, which took two thirds of the time of all scoring.
    tested = np.array([p for p in p_values if p is not None])
    order = np.argsort(tested)
    adjusted = np.empty_like(tested)
    adjusted[order] = np.minimum(np.maximum.accumulate(tested[order] * np.arange(len(tested), 0, -1)), 1.0)
    found = iter(adjusted.tolist())
    return [None if p is None else next(found) for p in p_values]


def verdict(delta: float, ci_low: float, ci_high: float, p_adjusted: float, margin: float | None) -> Verdict:
    """Whether a difference is shown, ruled out, or neither.

    ``higher`` or ``lower``: the test, adjusted for all tests made with it, is significant at 5%. ``equivalent``: the
    whole 95% interval lies within the margin, which is two one-sided tests at 2.5% (Schuirmann 1987, Journal of
    Pharmacokinetics and Biopharmaceutics 15:657-680); they are usually made at 5%, with a 90% interval. At 2.5% the
    interval that is shown decides, and no correction for several benchmarks is made. ``undecided``: neither, or no
    margin below which differences do not matter.
    """
    if p_adjusted < ALPHA:
        return "higher" if delta > 0 else "lower"
    return "equivalent" if margin is not None and -margin < ci_low and ci_high < margin else "undecided"


def _permutation(differences: Values, groups: Groups | None, seed: int) -> float:
    """Two-sided p when the two systems' names are swapped at random, unit by unit (Good 2005, section 3.7).

    Units are groups, or items where there are none, of one seed. Exact where few units favour a system; those that
    favour neither have no effect and are left out.
    """
    totals = differences[0] if groups is None else np.bincount(groups, weights=differences[0]).astype(np.float64)
    totals = totals[totals != 0]
    if len(totals) < 2:
        return 1.0  # swapping a single unit gives a difference as large
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
