import numpy as np
import pytest

from stages.statistics import power
from stages.statistics.paired import mcnemar_exact
from stages.statistics.variance import Variance


def test_connors_formula_gives_back_its_n():
    """n = (1.96 sqrt(s) + 0.84 sqrt(s - d^2))^2 / d^2 for s = 0.3, d = 0.1 is 233.1."""
    assert power.from_discordance(0.3, 233.0945) == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize(("discordance", "n"), [(0.3, 300), (0.2, 1000)])
def test_a_detectable_difference_is_found_four_times_in_five(discordance, n):
    detectable = power.from_discordance(discordance, n)
    rng = np.random.default_rng(n)
    won = (discordance + detectable) / 2
    draws = rng.multinomial(n, [won, discordance - won, 1 - discordance], size=1_000)
    found = np.mean([mcnemar_exact(int(b), int(c)) < 0.05 for b, c, _ in draws])
    # The exact test is a little weaker than the normal approximation in the formula.
    assert 0.74 < found < 0.84


def test_more_items_show_smaller_differences():
    assert power.from_discordance(0.2, 1000) < power.from_discordance(0.2, 100) < power.from_discordance(0.2, 20)


def test_a_difference_never_exceeds_the_discordance_it_implies():
    """At n = 12 the difference passes the 0.2 seen: discordance then grows with it, as if none had been seen."""
    assert power.from_discordance(0.2, 12) == power.from_discordance(0.0, 12)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_items_show_nothing(n):
    assert power.from_discordance(0.5, n) is None


def test_from_an_error_it_is_2_8_of_them():
    """Bloom 1995, table 1: 2.8 standard errors, for many degrees of freedom."""
    assert power.from_error(0.01, Variance(((1.0, float("inf")),))) == pytest.approx(0.028, abs=5e-5)
    assert power.from_error(0.5, Variance(((1.0, 2),))) is None
