import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from stages.statistics.intervals import Variance, effective, of_mean


def test_items_alone_give_the_usual_standard_error():
    values = np.random.default_rng(1).random((1, 40))
    assert of_mean(values).total ** 0.5 == pytest.approx(stats.sem(values[0]))
    assert of_mean(values).parts[0][1] == 39


def test_groups_give_statsmodels_cluster_robust_variance():
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 12, 200)
    groups = np.unique(groups, return_inverse=True)[1]
    values = (rng.random(200) < 0.3 + 0.4 * rng.random(12)[groups]).astype(float)
    fit = sm.OLS(values, np.ones(200)).fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
    expected = fit.bse[0] ** 2 * 12 / 11
    assert of_mean(values[None], groups).total == pytest.approx(expected)


def test_seeds_and_items_give_the_analysis_of_variance():
    """Against mean squares computed apart: (MS seeds + MS items - MS interaction) / (seeds * items)."""
    rng = np.random.default_rng(3)
    values = rng.random((4, 30)) + rng.random((4, 1)) + rng.random((1, 30))
    table = sm.stats.anova_lm(_two_way(values))
    mean_squares = table["mean_sq"]
    expected = (mean_squares["C(seed)"] + mean_squares["C(item)"] - mean_squares["Residual"]) / values.size
    assert of_mean(values).total == pytest.approx(expected)


def _two_way(values):
    import pandas as pd
    from statsmodels.formula.api import ols

    seeds, items = np.indices(values.shape)
    frame = pd.DataFrame({"y": values.ravel(), "seed": seeds.ravel(), "item": items.ravel()})
    return ols("y ~ C(seed) + C(item)", frame).fit()


def test_the_quantile_is_students_and_lies_between_those_of_the_parts():
    assert Variance(((2.0, 9),)).quantile() == pytest.approx(stats.t.isf(0.025, 9))
    mixed = Variance(((1.0, 2), (3.0, 50))).quantile()
    assert mixed == pytest.approx(0.25 * stats.t.isf(0.025, 2) + 0.75 * stats.t.isf(0.025, 50))


def test_p_and_interval_agree():
    variance = Variance(((1.0, 2), (3.0, 50)))
    assert variance.p(variance.quantile(0.05)) == pytest.approx(0.05)
    assert variance.p(variance.quantile(0.3)) == pytest.approx(0.3)
    assert variance.p(0.0) == 1.0
    assert 0 < variance.p(1e9) < 1e-9


def test_seeds_that_agree_by_chance_do_not_narrow_below_independence():
    values = np.tile((np.arange(50) % 2).astype(float), (3, 1))
    values[1] = 1 - values[1]
    values[2, :25] = 1 - values[2, :25]
    effect, _ = effective(values, 0.25)
    assert effect >= 1 / 3


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (3, 5)])
def test_nothing_to_estimate_from_gives_no_design_effect(shape):
    effect, variance = effective(np.ones(shape), 0.0)
    assert effect == 1.0
    assert variance.quantile() == pytest.approx(1.959964, abs=1e-5)


def test_one_group_is_not_a_sample_of_groups():
    with pytest.raises(ValueError, match="two groups"):
        of_mean(np.array([[0.0, 1.0, 1.0]]), np.zeros(3, dtype=np.int64))
    assert effective(np.array([[0.0, 1.0, 1.0]]), 2 / 9, np.zeros(3, dtype=np.int64))[0] == 1.0
