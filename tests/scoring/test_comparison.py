import pytest

from stages.records.systems import System
from stages.scoring import comparison
from stages.scoring.items import score_plan
from stages.scoring.tables import tabulate
from tests.scoring import synthetic


def test_pairs_have_the_question_of_the_study_first():
    variants = ["base", "standard", "standard.manual", "role", "role.stripped", "constant", "shuffled", "brief"]
    assert comparison.pairs(variants) == [
        ("role", "standard"),
        ("role", "shuffled"),
        ("role", "constant"),
        ("role", "brief"),
        ("role", "standard.manual"),
        ("standard.manual", "standard"),
        ("role.stripped", "role"),
        ("standard", "base"),
        ("role", "base"),
        ("constant", "base"),
        ("shuffled", "base"),
        ("brief", "base"),
    ]
    assert comparison.pairs(["role"]) == []


@pytest.fixture
def tables(tmp_path):
    plan = synthetic.plan(synthetic.systems((1, 2, 3)), ["gsm8k", "strategyqa"])
    synthetic.write_run(tmp_path, plan, {"gsm8k": 40, "strategyqa": 60})
    return tabulate(score_plan(plan, "cloze", tmp_path / "data"))


def test_several_seeds_are_compared_with_base_as_with_each_other(tables):
    metrics = comparison.compare(tables, seed=17, margin=0.03)["tiny"]
    for pair in ("role - standard", "role - base"):
        assert list(metrics[pair]) == ["gsm8k", "strategyqa"]
        for entry in metrics[pair].values():
            assert entry["test"] == "seeds_and_items_t"
            assert entry["ci_low"] < entry["delta"] < entry["ci_high"]
            assert entry["p"] <= entry["p_holm"]
    assert metrics["role - standard"]["gsm8k"]["n"] == 40


def test_a_difference_is_that_of_the_scores(tables):
    role, standard = (tables["tiny", arm, "gsm8k"].values("score").mean() for arm in ("role", "standard"))
    found = comparison.compare(tables, seed=17, margin=0.03)["tiny"]["role - standard"]["gsm8k"]
    assert found["delta"] == pytest.approx(role - standard, abs=1e-6)


def test_only_seeds_that_both_have_are_compared(tmp_path):
    systems = [System(model="m", arm=arm, seed=seed) for arm, seed in (("standard", 1), ("role", 1), ("role", 2))]
    plan = synthetic.plan(systems, ["gsm8k"])
    synthetic.write_run(tmp_path, plan, {"gsm8k": 20})
    found = comparison.compare(tabulate(score_plan(plan, "cloze", tmp_path / "data")), 17, 0.03)["m"][
        "role - standard"
    ]["gsm8k"]
    assert found["test"] == "mcnemar_exact"
    assert found["n"] == 20


def test_without_a_seed_in_common_there_is_a_reason(tmp_path):
    systems = [System(model="m", arm="standard", seed=1), System(model="m", arm="role", seed=2)]
    plan = synthetic.plan(systems, ["gsm8k"])
    synthetic.write_run(tmp_path, plan, {"gsm8k": 20})
    found = comparison.compare(tabulate(score_plan(plan, "cloze", tmp_path / "data")), 17, 0.03)["m"][
        "role - standard"
    ]["gsm8k"]
    assert found["delta"] is found["p"] is found["p_holm"] is found["test"] is None
    assert found["reason"]


def test_verdicts_follow_from_holms_p_and_the_interval():
    numbers = {"n": 100, "detectable": None, "test": "mcnemar_exact"}
    entries = {
        "better": {"delta": 0.1, "ci_low": 0.05, "ci_high": 0.15, "p": 0.001, **numbers},
        "better by itself": {"delta": 0.05, "ci_low": 0.002, "ci_high": 0.09, "p": 0.04, **numbers},
        "alike": {"delta": 0.0, "ci_low": -0.02, "ci_high": 0.02, "p": 1.0, **numbers},
        "not compared": {"delta": None, "ci_low": None, "ci_high": None, "p": None, **numbers},
    }
    found = comparison.with_holm(entries, margin=0.03)
    assert [entry["verdict"] for entry in found.values()] == ["higher", "undecided", "equivalent", None]
    assert list(found["better"])[:6] == ["delta", "ci_low", "ci_high", "p", "p_holm", "verdict"]
