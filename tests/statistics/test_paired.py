import numpy as np
import pytest
from scipy.special import expit
from statsmodels.stats.multitest import multipletests

from stages.statistics import paired
from stages.statistics.paired import difference, holm, mcnemar_exact, mean_difference, verdict
from tests.statistics.simulation import DRAWS, assert_covers, assert_seldom, coverage, report


def outcomes(won: int, lost: int, n: int):
    first, second = np.zeros((1, n)), np.zeros((1, n))
    first[0, :won] = 1
    second[0, won : won + lost] = 1
    return first, second


def test_mcnemar_gives_armitage_and_berrys_example():
    """Two media for cultures (Armitage & Berry 1994, p. 127): 12 and 2 discordant of 50, exact p 0.0129."""
    assert mcnemar_exact(12, 2) == pytest.approx(0.0129, abs=5e-5)
    assert difference(*outcomes(12, 2, 50), seed=1).p == pytest.approx(0.0129, abs=5e-5)


def test_the_airway_example():
    """Fagerland, Lydersen & Laake 2014, Statistics in Medicine 33:2850-2875: 1 and 7 discordant of 21 children."""
    found = difference(*outcomes(1, 7, 21), seed=1)
    assert found.p == pytest.approx(0.0703, abs=5e-5)
    assert found.delta == pytest.approx(-0.286, abs=5e-4)
    assert (found.ci_low, found.ci_high) == pytest.approx((-0.508, -0.013), abs=5e-4)
    assert found.test == "mcnemar_exact"


@pytest.mark.parametrize(("n", "won", "lost"), [(60, 0.2, 0.1), (100, 0.15, 0.15), (400, 0.1, 0.05)])
def test_differences_are_covered(n, won, lost):
    rng = np.random.default_rng(n)
    found = []
    for _ in range(DRAWS):
        toss = rng.random((1, n))
        result = difference((toss < won) * 1.0, ((toss >= won) & (toss < won + lost)) * 1.0, seed=1)
        found.append((result.ci_low, result.ci_high))
    assert_covers(found, won - lost)


def test_differences_of_items_in_groups_are_covered_and_seldom_falsely_found():
    rng = np.random.default_rng(4)
    found, rejected = [], []
    for draw in range(DRAWS // 2):
        group = np.repeat(np.arange(57), 6)
        ease, gap = 0.8 * rng.normal(size=57), 0.6 * rng.normal(size=57)
        toss = rng.random((2, len(group)))
        first, second = (toss[0] < expit(ease + gap)[group]) * 1.0, (toss[1] < expit(ease - gap)[group]) * 1.0
        result = difference(first[None], second[None], seed=draw, groups=group)
        found.append((result.ci_low, result.ci_high))
        rejected.append(result.p < 0.05)
    assert_covers(found, 0)
    assert_seldom(rejected)
    assert result.test == "permutation_by_group"


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_over_seeds_the_level_holds_though_the_arms_differ_by_chance(spread):
    """Never below its level; above, where seeds do not differ at all, since three seeds cannot show that they don't."""
    rng = np.random.default_rng(5)
    found, agree = [], True
    for _ in range(DRAWS):
        ease = 1.5 * rng.normal(size=300)
        first, second = (
            (rng.random((3, 300)) < expit(ease + spread * rng.normal(size=(3, 1)))) * 1.0 for _ in range(2)
        )
        result = difference(first, second, seed=1)
        found.append((result.ci_low, result.ci_high))
        agree &= (result.p < 0.05) == (result.ci_low > 0 or result.ci_high < 0)
    assert result.test == "seeds_and_items_t"
    assert agree
    assert coverage(found, 0) >= 0.93 - (0 if DRAWS >= 2_000 else 0.02)


def test_a_difference_that_only_some_seeds_show_is_less_sure():
    rng = np.random.default_rng(6)
    second = (rng.random((3, 300)) < 0.5) * 1.0
    steady = np.where(rng.random((3, 300)) < 0.1, 1.0, second)
    unsteady = np.where(rng.random((3, 300)) < np.array([[0.3], [0.0], [0.0]]), 1.0, second)
    assert difference(steady, second, seed=1).p < 0.05 < difference(unsteady, second, seed=1).p


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("groups", [None, "each", "one"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 40), (3, 1), (3, 8)])
def test_systems_that_agree_on_all_items_do_not_differ(shape, groups):
    items = shape[1]
    groups = {None: None, "each": np.arange(items), "one": np.zeros(items, dtype=np.int64)}[groups]
    found = difference(np.ones(shape), np.ones(shape), seed=1, groups=groups)
    assert found.delta == 0
    assert found.p == 1
    assert -1 < found.ci_low < 0 < found.ci_high < 1
    assert found.detectable is None or 0 < found.detectable <= 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 1), (3, 8)])
def test_a_system_that_is_always_right_against_one_that_never_is(shape):
    found = difference(np.ones(shape), np.zeros(shape), seed=1)
    assert found.delta == 1
    assert 0 <= found.p <= 1
    assert found.ci_low < found.ci_high <= 1


@pytest.mark.filterwarnings("error")
def test_without_items_there_is_no_difference():
    assert difference(np.empty((1, 0)), np.empty((1, 0)), seed=1) is None


def test_few_groups_are_permuted_exactly():
    """Five groups, all for the first: 2 of the 32 ways to swap names are as far from zero."""
    groups = np.repeat(np.arange(5), 4)
    first = np.zeros((1, 20))
    first[0, ::4] = 1
    assert difference(first, np.zeros((1, 20)), seed=1, groups=groups).p == pytest.approx(2 / 32)


def test_holm_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, then never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_is_statsmodels():
    rng = np.random.default_rng(3)
    for size in (1, 2, 5, 30):
        ps = rng.beta(0.3, 1, size).round(2).tolist()  # with ties
        assert holm(ps) == multipletests(ps, method="holm")[1].tolist()


def test_what_was_not_tested_does_not_count():
    assert holm([0.01, None, 0.04]) == [pytest.approx(0.02), None, pytest.approx(0.04)]
    assert holm([None]) == [None]
    assert holm([]) == []
    assert holm([1.0, 1.0]) == [1.0, 1.0]


def test_holm_keeps_false_wins_over_eight_benchmarks_under_five_per_cent():
    rng = np.random.default_rng(11)
    sizes = (500, 400, 300, 200, 200, 150, 100, 60)
    counts = np.stack([rng.multinomial(n, [0.15, 0.15, 0.7], size=DRAWS) for n in sizes], axis=1)
    ps = [[mcnemar_exact(int(won), int(lost)) for won, lost, _ in draw] for draw in counts]
    false_wins = sum(min(holm(draw)) < 0.05 for draw in ps)
    report(f"a false win in {false_wins / DRAWS:.1%}")
    assert false_wins / DRAWS < 0.05


def test_a_verdict_follows_from_the_adjusted_p_then_from_the_interval():
    assert verdict(0.02, 0.01, 0.03, 0.04, margin=0.05) == "higher"
    assert verdict(-0.2, -0.3, -0.1, 0.01, margin=0.05) == "lower"
    assert verdict(0.01, -0.02, 0.04, 0.3, margin=0.05) == "equivalent"
    assert verdict(0.01, -0.02, 0.04, 0.3, margin=None) == "undecided"
    assert verdict(0.01, -0.02, 0.06, 0.3, margin=0.05) == "undecided"
    assert verdict(0.06, 0.01, 0.11, 0.06, margin=0.05) == "undecided"


def found_verdict(found, margin=0.03):
    return verdict(found.delta, found.ci_low, found.ci_high, found.p, margin)


@pytest.mark.parametrize(("n", "discordance"), [(60, 0.05), (500, 0.04), (2_000, 0.1), (2_000, 0.3), (10_000, 0.2)])
def test_a_true_difference_of_the_margin_is_seldom_called_equivalent(n, discordance):
    rng = np.random.default_rng(n)
    won = (discordance + 0.03) / 2
    counts = rng.multinomial(n, [won, discordance - won, 1 - discordance], size=DRAWS)
    assert_seldom([found_verdict(difference(*outcomes(b, c, n), seed=1)) == "equivalent" for b, c, _ in counts])


def test_over_seeds_and_groups_too():
    rng = np.random.default_rng(13)
    groups = np.repeat(np.arange(60), 25)
    over_seeds, by_group = [], []
    for draw in range(DRAWS // 5):
        second = (rng.random((3, 1_500)) < 0.5) * 1.0
        gap = 0.03 + 0.01 * rng.normal(size=(3, 1))
        over_seeds.append(found_verdict(difference(np.maximum(second, rng.random((3, 1_500)) < 2 * gap), second, draw)))
        shift = 0.06 + 0.05 * rng.normal(size=60)[groups]
        first = np.maximum(second[:1], rng.random((1, 1_500)) < shift)
        by_group.append(found_verdict(difference(first, second[:1], draw, groups)))
    assert_seldom([each == "equivalent" for each in over_seeds])
    assert_seldom([each == "equivalent" for each in by_group])


def test_equal_systems_on_many_items_are_called_equivalent():
    rng = np.random.default_rng(14)
    counts = rng.multinomial(5_000, [0.05, 0.05, 0.9], size=50)
    called = [found_verdict(difference(*outcomes(b, c, 5_000), seed=1)) for b, c, _ in counts]
    assert called.count("equivalent") > 45


@pytest.mark.parametrize(("n", "true"), [(40, 0.0), (200, 0.02)])
def test_differences_of_means_are_covered(n, true, monkeypatch):
    """Nats a token: short answers differ more than long ones, and lengths are skewed."""
    monkeypatch.setattr(paired, "RESAMPLES", 1)  # its test is not looked at here
    rng = np.random.default_rng(n)
    found = []
    for draw in range(DRAWS):
        result = mean_difference(*nats(rng, n, true), draw)
        found.append((result.ci_low, result.ci_high))
    assert_covers(found, true)


def test_differences_of_means_are_seldom_falsely_found():
    rng = np.random.default_rng(60)
    results = [mean_difference(*nats(rng, n, 0.0), draw) for draw in range(DRAWS // 4) for n in (12, 60)]
    assert {result.test for result in results} == {"permutation"}
    assert_seldom([result.p < 0.05 for result in results])


def nats(rng, n: int, true: float):
    """Nats a token of two systems, [1, items] each."""
    tokens = np.ceil(np.exp(rng.normal(4.0, 0.6, n)))
    common = 1.5 + 0.4 * rng.normal(size=n)
    noise = 0.05 * rng.standard_t(5, size=n) + rng.normal(size=n) / tokens
    return (common + true + noise)[None], common[None]


def test_means_over_seeds_hold_their_level():
    rng = np.random.default_rng(15)
    found = []
    for _ in range(DRAWS):
        items = rng.normal(size=(1, 150))
        first, second = (items + 0.3 * rng.normal(size=(3, 150)) + 0.05 * rng.normal(size=(3, 1)) for _ in range(2))
        result = mean_difference(first, second, 1)
        found.append((result.ci_low, result.ci_high))
    assert result.test == "seeds_and_items_t"
    assert coverage(found, 0) >= 0.93 - (0 if DRAWS >= 2_000 else 0.02)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seeds", [1, 3])
def test_means_that_agree_do_not_differ(seeds):
    same = np.random.default_rng(16).random((seeds, 9))
    found = mean_difference(same, same, 1)
    assert (found.delta, found.p) == (0, 1)
    assert mean_difference(same[:, :1], same[:, :1], 1) is None
