from itertools import product

import numpy as np
import pytest
from scipy.stats import multinomial

from stages.statistics import power
from stages.statistics.paired import mcnemar_exact
from stages.statistics.variance import Variance


def test_exact_power_by_going_through_all_outcomes():
    """Eight pairs, small enough to add up by hand what the test makes of each."""
    n, s, d = 8, 0.9, 0.7
    won, lost = (s + d) / 2, (s - d) / 2
    total = 0.0
    for b, c in product(range(n + 1), repeat=2):
        if b + c <= n and mcnemar_exact(b, c) < 0.05:
            total += multinomial.pmf([b, c, n - b - c], n, [won, lost, 1 - s])
    assert power.exact(s, d, n) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(("discordance", "n"), [(0.3, 300), (0.2, 1000), (0.5, 40)])
def test_a_detectable_difference_is_found_four_times_in_five(discordance, n):
    detectable = power.from_discordance(discordance, n)
    rng = np.random.default_rng(n)
    won = (discordance + detectable) / 2
    draws = rng.multinomial(n, [won, discordance - won, 1 - discordance], size=2_000)
    found = np.mean([mcnemar_exact(int(b), int(c)) < 0.05 for b, c, _ in draws])
    assert found == pytest.approx(0.8, abs=0.03)


def test_more_items_show_smaller_differences():
    assert power.from_discordance(0.3, 1000) < power.from_discordance(0.3, 100) < power.from_discordance(0.3, 50)


@pytest.mark.parametrize(("discordance", "n"), [(0.2, 12), (0.5, 12), (0.0, 500), (0.02, 57)])
def test_where_the_discordant_pairs_allow_no_detectable_difference_there_is_none(discordance, n):
    """Of 12 pairs six differ: even if one system won all six, the test would reject in fewer than four of five runs."""
    assert power.from_discordance(discordance, n) is None


def test_a_detectable_difference_never_exceeds_the_discordant_pairs():
    for n in (20, 57, 100, 570):
        for discordance in (0.1, 0.3, 0.6):
            found = power.from_discordance(discordance, n)
            assert found is None or 0 < found <= discordance


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_items_show_nothing(n):
    assert power.from_discordance(0.5, n) is None


def test_from_an_error_it_is_2_8_of_them():
    """Bloom 1995, table 1: 2.8 standard errors, for many degrees of freedom."""
    assert power.from_error(0.01, Variance(((1.0, float("inf")),))) == pytest.approx(0.028, abs=5e-5)
    assert power.from_error(0.5, Variance(((1.0, 2),))) is None
