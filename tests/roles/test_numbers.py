import numpy as np
import pytest

from stages.roles.numbers import belonging, counts, permuted_shares, summarize
from stages.roles.written import WrittenRole, most_frequent, phrases
from tests.reporting.example_run import DOMAINS, EXPERTS
from tests.roles.test_classifier import DOMAIN_OF, made


def entry(identifier: str, domain: str, told: str | None, seed: int = 1) -> WrittenRole:
    role = None if told is None else f"From now on, you are {told}"
    return WrittenRole(identifier, seed, domain, role, role is not None)


def fitting(questions, seed: int = 1) -> list[WrittenRole]:
    domains = [(each.id, DOMAIN_OF[each.group]) for each in questions]
    return [entry(one, domain, f"a {EXPERTS[domain][0]} who knows {domain}.", seed) for one, domain in domains]


def test_counts_of_a_few_roles():
    written = [
        entry("a", "law", "a judge who listens."),
        entry("b", "law", "a Judge who listens."),
        entry("c", "law", "a judge."),
        entry("d", "law", None),
    ]
    found = counts(written)
    assert (found["questions"], found["answers"], found["roles"], found["distinct"]) == (4, 4, 3, 3)
    assert found["role_rate"] == found["well_formed_rate"] == 0.75
    assert found["frequent"] == [{"phrase": "judge", "count": 3}]
    assert found["words"] == {"mean": pytest.approx(8.333333), "sd": pytest.approx(1.154701), "p90": 9.0}


def test_without_roles_there_are_nulls_and_a_reason():
    questions = made(1)
    found = summarize({"m": [entry(each.id, DOMAIN_OF[each.group], None) for each in questions]}, questions, DOMAINS, 1)
    assert found["m"]["role_rate"] == 0
    assert found["m"]["words"]["mean"] is None
    assert found["m"]["belonging"]["share"] is None
    assert found["m"]["belonging"]["reason"] == "no role was written"
    assert found["m"]["domains"]["law"]["frequent"] == []


def test_roles_that_fit_their_questions_are_told_from_chance():
    questions = made(2)
    found = belonging(fitting(questions), questions, DOMAIN_OF, seed=1)
    assert found["share"] > 0.7
    assert found["permuted"] < 0.2
    assert found["p"] < 0.001
    assert found["ci_low"] < found["share"] <= found["ci_high"]
    assert found["trained_on"] == len(questions)


def test_one_role_for_all_questions_fits_no_better_than_chance():
    questions = made(2)
    written = [entry(each.id, DOMAIN_OF[each.group], "a nurse who cares for patients.") for each in questions]
    found = belonging(written, questions, DOMAIN_OF, seed=1)
    assert found["share"] == pytest.approx(found["permuted"], abs=0.03)
    assert found["p"] > 0.3


def test_answers_without_a_role_count_as_outside():
    questions = made(2)
    written = fitting(questions)
    half = [each if place % 2 else entry(each.id, each.domain, None) for place, each in enumerate(written)]
    assert belonging(half, questions, DOMAIN_OF, 1)["share"] == pytest.approx(
        belonging(written, questions, DOMAIN_OF, 1)["share"] / 2, abs=0.05
    )


def test_several_seeds_are_counted_together():
    questions = made(2)
    both = [*fitting(questions, 1), *fitting(questions, 2)]
    found = summarize({"m": both}, questions, DOMAINS, 1)["m"]
    assert (found["questions"], found["seeds"], found["answers"]) == (len(questions), 2, 2 * len(questions))
    assert 0.7 < found["belonging"]["share"] <= 1


def test_permuted_shares_have_the_mean_that_the_margins_give():
    own = np.array(["a"] * 30 + ["b"] * 70)
    found = np.array([["a"] * 50 + ["b"] * 50])
    expected = 0.5 * 0.3 + 0.5 * 0.7
    assert permuted_shares(found, own, 1).mean() == pytest.approx(expected, abs=0.005)


def test_of_equally_frequent_phrases_the_alphabet_decides():
    written = [
        entry(str(place), "law", f"a {name}.") for place, name in enumerate(["judge", "clerk", "judge", "notary"])
    ]
    assert most_frequent(phrases(written), 3) == [("judge", 2), ("clerk", 1), ("notary", 1)]
