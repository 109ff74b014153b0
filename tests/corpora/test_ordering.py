import random
from collections import Counter

import pytest

from stages.core.errors import InputError
from stages.corpora.ordering import ordered
from stages.records.question import Question


def of_groups(**sizes: int) -> list[Question]:
    return [
        Question(id=f"{g}-{n}", group=g, question="?", answer="1") for g, size in sizes.items() for n in range(size)
    ]


def farthest(questions: list[Question]) -> float:
    """How far any group is from its share in any prefix, in questions."""
    sizes, seen, most = Counter(each.group for each in questions), Counter(), 0.0
    for place, question in enumerate(questions, start=1):
        seen[question.group] += 1
        most = max(most, *(abs(seen[group] - size * place / len(questions)) for group, size in sizes.items()))
    return most


@pytest.mark.parametrize("seed", range(3))
def test_300_of_800_and_200_are_240_and_60(seed):
    found = ordered(of_groups(bridge=800, comparison=200), random.Random(seed))
    assert Counter(question.group for question in found[:300]) == {"bridge": 240, "comparison": 60}
    assert farthest(found) <= 0.5


@pytest.mark.parametrize(
    "sizes",
    [
        {"large": 1000, **{f"small_{n}": 20 for n in range(50)}},
        {f"subject_{n}": 20 + n * n // 15 for n in range(57)},
        {f"subject_{n}": 10 for n in range(57)},
        {"one": 9},
        {"many": 30, "a": 1, "b": 1},
    ],
    ids=["one large", "like MMLU", "all alike", "one", "two of one"],
)
def test_every_prefix_has_groups_within_one_question_of_their_shares(sizes):
    """Ranks scaled to each group's size alone gave one large group 25 of the first 25 where 12.5 were its share."""
    found = ordered(of_groups(**sizes), random.Random(1))
    assert Counter(each.group for each in found) == sizes
    assert farthest(found) < 1


def lettered(groups: int, size: int) -> list[Question]:
    keys = random.Random(groups)
    return [
        Question(id=f"{g}-{n}", group=f"g{g}", question="?", choices=list("wxyz"), answer=keys.choice("ABCD"))
        for g in range(groups)
        for n in range(size)
    ]


@pytest.mark.parametrize("n", [12, 57, 114])
def test_keys_have_their_shares_in_every_sample(n):
    """Of 57 keys drawn at random, one letter's were 24: a model that always gave it looked above chance."""
    questions = lettered(57, 10)
    whole = Counter(question.answer for question in questions)
    for seed in range(3):
        drawn = Counter(question.answer for question in ordered(questions, random.Random(seed))[:n])
        assert all(abs(drawn[key] - count * n / 570) <= 1.5 for key, count in whole.items())


def test_yes_and_no_are_drawn_alike():
    questions = [
        Question(id=str(n), question="?", choices=["yes", "no"], answer="no" if n % 3 else "yes") for n in range(300)
    ]
    found = ordered(questions, random.Random(5))
    assert Counter(question.answer for question in found[:12]) == {"no": 8, "yes": 4}


def test_each_question_is_as_likely_to_be_drawn_as_any_other_of_its_group_and_key():
    questions = lettered(4, 10)
    drawn = Counter(each.id for seed in range(400) for each in ordered(questions, random.Random(seed))[:20])
    assert len(drawn) == 40
    assert min(drawn.values()) > 100


def test_groups_are_taken_in_turn_where_a_benchmark_wants_equally_many():
    found = ordered(of_groups(a=9, b=3, c=1), random.Random(2), equal=True)
    assert Counter(question.group for question in found[:3]) == {"a": 1, "b": 1, "c": 1}
    assert Counter(question.group for question in found[:5]) == {"a": 2, "b": 2, "c": 1}
    ten_each = ordered(lettered(57, 12), random.Random(3), equal=True)[:570]
    assert set(Counter(question.group for question in ten_each).values()) == {10}


def test_shots_stand_last_and_repeated_ids_are_refused():
    shot = Question(id="s", use="shot", question="?", answer="A")
    test = Question(id="t", question="?", answer="A")
    assert [question.id for question in ordered([shot, test], random.Random(2))] == ["t", "s"]
    with pytest.raises(InputError, match="id that another has"):
        ordered([test, test], random.Random(2))


def test_the_order_follows_the_seed():
    questions = lettered(5, 8)
    first, again, other = (ordered(questions, random.Random(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
