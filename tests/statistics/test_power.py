import numpy as np
import pytest
from scipy import stats

from stages.statistics import paired
from stages.statistics.intervals import Variance
from stages.statistics.paired import difference, mcnemar_exact
from tests.statistics.simulation import DRAWS


@pytest.mark.parametrize(("n", "discordance", "true"), [(15, 0.6, 0.4), (9, 1.0, 0.8), (20, 0.3, 0.3)])
def test_the_power_is_the_sum_over_all_outcomes_that_the_test_rejects(n, discordance, true):
    """Against every cell of the trinomial distribution, each tested by itself."""
    shares = [(discordance + true) / 2, (discordance - true) / 2, 1 - discordance]
    outcomes = [(won, lost, n - won - lost) for won in range(n + 1) for lost in range(n + 1 - won)]
    rejected = [each for each in outcomes if mcnemar_exact(*each[:2]) < 0.05]
    expected = sum(stats.multinomial.pmf(each, n, shares) for each in rejected)
    assert paired.exact(true, discordance, n) == pytest.approx(expected, rel=1e-6)


def test_without_a_true_difference_the_power_is_at_most_the_level():
    assert all(paired.exact(0.0, share, n) < 0.05 for n in (6, 17, 100) for share in (0.1, 0.5, 1.0))


@pytest.mark.parametrize(("discordance", "n"), [(0.3, 300), (0.2, 1000), (0.4, 57)])
def test_a_detectable_difference_is_found_four_times_in_five(discordance, n):
    """By simulation; the normal approximation named differences that the exact test found in 41 to 78%."""
    detectable = paired.from_discordance(discordance, n)
    rng = np.random.default_rng(n)
    won = (discordance + detectable) / 2
    draws = rng.multinomial(n, [won, discordance - won, 1 - discordance], size=max(DRAWS, 500))
    found = np.mean([mcnemar_exact(int(b), int(c)) < 0.05 for b, c, _ in draws])
    assert abs(found - 0.8) < 3.5 * (0.8 * 0.2 / len(draws)) ** 0.5


def test_more_items_show_smaller_differences():
    assert paired.from_discordance(0.2, 1000) < paired.from_discordance(0.2, 200) < paired.from_discordance(0.2, 60)


def test_a_difference_never_exceeds_the_share_of_discordant_pairs():
    """12 pairs of which 20% are discordant: not even all of them for one system would be significant."""
    assert paired.from_discordance(0.2, 12) is None
    assert paired.from_discordance(0.0, 1000) is None
    assert all(
        found is None or found <= share
        for n in (6, 12, 30, 100)
        for share in (0.05, 0.2, 0.5, 1.0)
        for found in [paired.from_discordance(share, n)]
    )


@pytest.mark.parametrize("n", [0, 0.5, 1, 5])
def test_too_few_items_show_nothing(n):
    assert paired.from_discordance(1.0, n) is None


def test_from_an_error_it_is_2_8_of_them():
    """Bloom 1995, table 1: 2.8 standard errors, for many degrees of freedom."""
    many = Variance(((1.0, float("inf")),))
    assert paired.from_error(0.01, many, 1.0) == pytest.approx(0.028, abs=5e-5)
    assert paired.from_error(0.01, many, 0.02) is None


def test_of_items_in_groups_the_effective_number_counts():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(20), 10)
    favoured = np.where(np.arange(20) % 2, 0.9, 0.1)[groups]
    first, second = (rng.random(200) < favoured) * 1.0, (rng.random(200) < 0.5) * 1.0
    alone, grouped = (difference(first[None], second[None], 1, each).detectable for each in (None, groups))
    assert alone < 0.7 * grouped
