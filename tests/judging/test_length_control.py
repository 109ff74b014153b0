import math
import random

import pytest

from stages.judging.counting import compared, verdicts
from stages.judging.summary import FEWEST, length_controlled
from tests.judging.samples import both_orders, outcomes


def judged(rows, seeds=1):
    """Rows of (result, words of the left answer, words of the right one)."""
    meaning = {"W": ("role", "role"), "L": ("standard", "standard"), "T": ("tie", "tie")}
    return verdicts(
        compared(
            [
                each
                for seed in range(seeds)
                for number, (result, left, right) in enumerate(rows)
                for each in both_orders(str(number), *meaning[result], words=(left, right), seed=seed)
            ]
        )
    )


def drawn(n, advantage, slope, longer):
    """Results of a judge that likes length by ``slope``; the left answers are ``longer`` by so many words."""
    rng = random.Random(5)
    rows = []
    for _ in range(n):
        left, right = rng.gauss(100 + longer, 30), rng.gauss(100, 30)
        chance = 1 / (1 + math.exp(-(advantage + slope * (left - right) / 40)))
        rows.append(("W" if rng.random() < chance else "L", int(left), int(right)))
    return rows


def test_a_preference_that_is_length_alone_is_taken_back():
    counted = judged(drawn(1500, advantage=0, slope=2, longer=40))
    controlled = length_controlled(counted)
    assert counted.result.mean() > 0.75
    assert controlled["ci_low"] < 0.5 < controlled["ci_high"]
    assert not controlled["extrapolated"]


def test_a_preference_apart_from_length_stays():
    counted = judged(drawn(1500, advantage=1, slope=0, longer=0))
    controlled = length_controlled(counted)
    assert controlled["win_rate"] == pytest.approx(counted.result.mean(), abs=0.01)
    assert controlled["win_rate"] == pytest.approx(1 / (1 + math.exp(-1)), abs=0.05)


def test_it_mirrors_when_the_sides_are_swapped():
    rows = drawn(200, advantage=0.5, slope=1, longer=20)
    swapped = [({"W": "L", "L": "W"}[result], right, left) for result, left, right in rows]
    here, there = length_controlled(judged(rows)), length_controlled(judged(swapped))
    assert here["win_rate"] == pytest.approx(1 - there["win_rate"], abs=1e-6)
    assert here["ci_low"] == pytest.approx(1 - there["ci_high"], abs=1e-6)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = random.Random(11)
    covered = 0
    for _ in range(200):
        rows = []
        for _ in range(60):
            left, right = rng.randrange(40, 160), rng.randrange(40, 160)
            chance = 1 / (1 + math.exp(-(0.4 + 1.5 * math.tanh((left - right) / 49))))
            rows.append(("W" if rng.random() < chance else "L", left, right))
        controlled = length_controlled(judged(rows))
        covered += controlled["ci_low"] <= 1 / (1 + math.exp(-0.4)) <= controlled["ci_high"]
    assert 0.90 <= covered / 200 <= 0.99


def test_a_seed_that_repeats_the_verdicts_adds_no_certainty():
    rows = drawn(80, advantage=0.5, slope=1, longer=10)
    once, thrice = length_controlled(judged(rows)), length_controlled(judged(rows, seeds=3))
    assert thrice["win_rate"] == pytest.approx(once["win_rate"], abs=0.01)
    assert thrice["ci_high"] - thrice["ci_low"] == pytest.approx(once["ci_high"] - once["ci_low"], rel=0.05)


def test_where_one_side_is_always_longer_the_rate_is_marked_as_extrapolated():
    rows = [("W" if number % 3 else "L", 60 + number % 7, 40) for number in range(40)]
    assert length_controlled(judged(rows))["extrapolated"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("W", 10 + number, 10) for number in range(20)], "same result"),
        ([("WL"[number % 2], 30, 20) for number in range(20)], "same everywhere"),
        ([("W", 30 + number, 20) if number % 2 else ("L", 10 - number % 5, 20) for number in range(20)], "separates"),
        ([("L", 30 + number, 20) if number % 2 else ("W", 10 - number % 5, 20) for number in range(20)], "separates"),
        ([("T", 20, 20) if number % 2 else ("W", 30, 20) for number in range(20)], "separates"),
        ([("WL"[number % 2], 30 + number, 20) for number in range(FEWEST - 1)], "fewer than"),
    ],
)
def test_what_cannot_be_fitted_is_null_with_its_reason(rows, reason):
    controlled = length_controlled(judged(rows))
    assert controlled["win_rate"] is controlled["ci_low"] is controlled["ci_high"] is None
    assert reason in controlled["reason"]


def test_lengths_are_those_the_judge_saw():
    long = verdicts(compared(outcomes("WL" * 10, words=(500, 20), shown=(20, 20))))
    assert "same everywhere" in length_controlled(long)["reason"]
