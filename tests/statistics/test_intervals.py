import numpy as np
import pytest
from scipy.special import expit

from stages.statistics import intervals
from tests.statistics.simulation import DRAWS, assert_covers, bounds, coverage


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


@pytest.mark.parametrize("n", [20, 150])
def test_a_mean_such_as_f1_is_covered(n):
    rng = np.random.default_rng(8)
    draws = (np.where(rng.random(n) < 0.5, 0.0, rng.beta(2, 1, n))[None] for _ in range(DRAWS))
    assert_covers((intervals.bounded_mean(values) for values in draws), 0.5 * 2 / 3)


def test_a_mean_such_as_f1_over_seeds_is_covered():
    rng = np.random.default_rng(12)
    found = []
    for _ in range(DRAWS):
        ease = rng.normal(size=(1, 200)) + 0.3 * rng.normal(size=(3, 1))
        right = rng.random((3, 200)) < expit(ease)
        found.append(intervals.bounded_mean(np.where(right, 0.75, 0.25)))
    truth = 0.25 + 0.5 * 0.5
    assert_covers(found, truth)


@pytest.mark.parametrize(("n", "shares"), [(30, (0.1, 0.6, 0.3)), (30, (0.3, 0.2, 0.5)), (60, (0.1, 0.1, 0.8))])
def test_win_rates_with_ties_are_covered(n, shares):
    rng = np.random.default_rng(n)
    draws = (rng.choice([0.0, 0.5, 1.0], p=shares, size=(1, n)) for _ in range(DRAWS))
    assert_covers((intervals.bounded_mean(values) for values in draws), shares[1] / 2 + shares[2])


@pytest.mark.parametrize("shares", [(0.1, 0.6, 0.3), (0.3, 0.2, 0.5), (0.8, 0.0, 0.2)])
def test_win_rates_of_six_prompts_are_covered_at_least(shares):
    """The bootstrap covered 86%: it gave 0 to 0.5 for one of six."""
    rng = np.random.default_rng(6)
    draws = [rng.choice([0.0, 0.5, 1.0], p=shares, size=(1, 6)) for _ in range(DRAWS)]
    assert coverage([intervals.bounded_mean(values) for values in draws], shares[1] / 2 + shares[2]) >= bounds()[0]


def test_one_of_six_has_wilsons_interval():
    one = np.array([[1.0, 0, 0, 0, 0, 0]])
    assert intervals.bounded_mean(one) == intervals.wilson(1, 6) == pytest.approx((0.0301, 0.5635), abs=5e-4)


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
        intervals.bounded_mean(np.full(shape, value)),
        intervals.proportion(np.full(shape, value), np.arange(shape[1])),
    ):
        assert 0 <= low <= value <= high <= 1
        assert 0 < high - low < 1


@pytest.mark.filterwarnings("error")
def test_without_items_there_is_no_interval():
    assert intervals.proportion(np.empty((1, 0))) is None
    assert intervals.bounded_mean(np.empty((2, 0))) is None


def test_macro_weighs_groups_alike():
    values, groups = np.array([[1.0, 1.0, 1.0, 0.0]]), np.array([0, 0, 0, 1])
    mean, (low, high) = intervals.macro(values, groups)
    assert mean == 0.5
    assert (low, high) == (0.0, 1.0)
    assert intervals.macro(np.ones((1, 4)), groups) == (1.0, None)
