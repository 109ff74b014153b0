import pytest

from stages.core.errors import InputError
from stages.judging.pairs import answered_pairs, planned_pairs
from stages.records.systems import System

ROLE, STANDARD = (System(model="tiny", arm=arm, seed=1) for arm in ("role", "standard"))
BASE = System(model="tiny")
OFFICIAL = System(model="tiny", rival="official")
CHAT = System(model="gpt", rival="chat")
STRIPPED = System(model="tiny", arm="role", condition="stripped", seed=1)


def names(systems):
    return [(pair.model, pair.seed, pair.name) for pair in planned_pairs(systems)]


def answer(folder, *systems):
    for system in systems:
        path = folder / system.name / "open_ended.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("")


def test_the_role_arm_meets_the_standard_arm_then_the_base_model_then_the_others():
    assert names([STRIPPED, BASE, ROLE, STANDARD]) == [
        ("tiny", 1, "role - standard"),
        ("tiny", 1, "role - base"),
        ("tiny", 1, "role - role.stripped"),
    ]


def test_only_systems_of_one_model_and_one_training_seed_meet():
    systems = [
        System(model=model, arm=arm, seed=seed)
        for model in ("a", "b")
        for arm in ("standard", "role")
        for seed in (1, 2)
    ]
    found = names([*systems, System(model="b")])
    assert found[:2] == [("a", 1, "role - standard"), ("a", 2, "role - standard")]
    assert found[2:] == [("b", seed, f"role - {right}") for seed in (1, 2) for right in ("standard", "base")]


def test_rivals_come_before_conditions_and_controls_and_a_chat_model_meets_every_model():
    other = ROLE.model_copy(update={"model": "other"})
    assert names([CHAT, STRIPPED, ROLE, OFFICIAL, other]) == [
        ("tiny", 1, "role - gpt"),
        ("tiny", 1, "role - official"),
        ("tiny", 1, "role - role.stripped"),
        ("other", 1, "role - gpt"),
    ]


def test_without_the_role_arm_there_are_no_pairs():
    assert names([STANDARD, BASE, STRIPPED]) == []


def test_a_system_that_was_not_asked_is_left_out(tmp_path):
    answer(tmp_path, ROLE, STANDARD, STRIPPED)
    pairs = answered_pairs(planned_pairs([ROLE, STANDARD, BASE, STRIPPED]), tmp_path)
    assert [pair.right.variant for pair in pairs] == ["standard", "role.stripped"]


def test_where_nothing_open_ended_was_asked_there_are_no_pairs(tmp_path):
    assert answered_pairs(planned_pairs([ROLE, STANDARD, BASE]), tmp_path) == []


@pytest.mark.parametrize("rival", [OFFICIAL, CHAT])
def test_a_planned_rival_without_answers_is_an_error(tmp_path, rival):
    answer(tmp_path, ROLE)
    with pytest.raises(InputError, match=f"{rival.name}/open_ended.jsonl does not exist"):
        answered_pairs(planned_pairs([ROLE, rival]), tmp_path)


@pytest.mark.parametrize("asked", [ROLE, STANDARD])
def test_one_arm_without_the_other_is_an_error_that_names_the_absent_file(tmp_path, asked):
    answer(tmp_path, asked)
    absent = STANDARD if asked == ROLE else ROLE
    with pytest.raises(InputError, match=f"{absent.name}/open_ended.jsonl does not exist"):
        answered_pairs(planned_pairs([ROLE, STANDARD]), tmp_path)
