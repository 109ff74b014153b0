import numpy as np
import pytest
from scipy.special import expit

from stages.statistics import intervals
from tests.statistics.simulation import DRAWS, assert_covers


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_newcombes_examples(successes, n, low, high):
    assert intervals.wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("n", "share"), [(50, 0.3), (100, 0.25), (500, 0.8)])
def test_proportions_are_covered(n, share):
    rng = np.random.default_rng(n)
    draws = ((rng.random((1, n)) < share).astype(float) for _ in range(DRAWS))
    assert_covers((intervals.proportion(values) for values in draws), share)


@pytest.mark.parametrize(("groups", "size", "spread"), [(57, 4, 0.8), (57, 25, 0.8)])
def test_shares_of_items_in_groups_are_covered(groups, size, spread):
    rng = np.random.default_rng(size)
    truth = expit(spread * rng.normal(size=500_000)).mean()
    found, macro = [], []
    for _ in range(DRAWS):
        group = np.repeat(np.arange(groups), rng.integers(size // 2, size * 3 // 2 + 1, groups))
        values = (rng.random(len(group)) < expit(spread * rng.normal(size=groups))[group]).astype(float)[None]
        found.append(intervals.proportion(values, group))
        macro.append(intervals.macro(values, group)[1])
    assert_covers(found, truth)
    assert_covers(macro, truth)


def test_shares_over_seeds_are_covered():
    rng = np.random.default_rng(7)
    truth = expit(np.hypot(1.5, 0.3) * rng.normal(size=500_000)).mean()
    found = []
    for _ in range(DRAWS):
        ability = 1.5 * rng.normal(size=(1, 300)) + 0.3 * rng.normal(size=(3, 1))
        found.append(intervals.proportion((rng.random((3, 300)) < expit(ability)).astype(float)))
    assert_covers(found, truth)


def test_the_bootstrap_covers_a_mean_such_as_f1():
    rng = np.random.default_rng(8)
    draws = (np.where(rng.random(150) < 0.5, 0.0, rng.beta(2, 1, 150))[None] for _ in range(DRAWS))
    assert_covers((intervals.bounded_mean(values, seed) for seed, values in enumerate(draws)), 0.5 * 2 / 3)


def test_the_bootstrap_follows_its_seed():
    values = np.random.default_rng(9).random((1, 50))
    assert intervals.bounded_mean(values, 1) == intervals.bounded_mean(values, 1)
    assert intervals.bounded_mean(values, 1) != intervals.bounded_mean(values, 2)


def test_groups_that_are_alike_widen_the_interval():
    group = np.repeat(np.arange(20), 10)
    values = (group % 2).astype(float)[None]
    plain, clustered = intervals.proportion(values), intervals.proportion(values, group)
    assert clustered[0] < plain[0]
    assert clustered[1] > plain[1]


def test_a_spread_between_seeds_widens_the_interval():
    rng = np.random.default_rng(10)
    alike = (rng.random((3, 200)) < 0.5).astype(float)
    apart = (rng.random((3, 200)) < np.array([[0.2], [0.5], [0.8]])).astype(float)
    widths = [high - low for low, high in map(intervals.proportion, (alike, apart))]
    assert widths[1] > 2 * widths[0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 30), (3, 1), (3, 4)])
def test_items_that_all_agree_have_an_interval_with_room(shape, value):
    for low, high in (
        intervals.proportion(np.full(shape, value)),
        intervals.bounded_mean(np.full(shape, value), 1),
        intervals.proportion(np.full(shape, value), np.arange(shape[1])),
    ):
        assert 0 <= low <= value <= high <= 1
        assert 0 < high - low < 1


@pytest.mark.filterwarnings("error")
def test_without_items_there_is_no_interval():
    assert intervals.proportion(np.empty((1, 0))) is None
    assert intervals.bounded_mean(np.empty((2, 0)), 1) is None


def test_macro_weighs_groups_alike():
    values, groups = np.array([[1.0, 1.0, 1.0, 0.0]]), np.array([0, 0, 0, 1])
    mean, (low, high) = intervals.macro(values, groups)
    assert mean == 0.5
    assert (low, high) == (0.0, 1.0)
    assert intervals.macro(np.ones((1, 4)), groups) == (1.0, None)
