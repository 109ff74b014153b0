import json

import pytest

from stages.data_checks import roles
from stages.records.conversation import Conversation
from tests.data_checks.samples import lines, messages

ROLE = (
    "From now on, you are a hydrologist who has spent twenty winters measuring snow in high valleys and who explains "
    "to farmers below what the coming summer will bring."
)
OTHER = (
    "From now on, you are the caretaker of an old theatre, fond of ropes, pulleys and traps, and used to showing "
    "visitors how every trick of the stage is done by hand."
)


def form(role, conversations=None):
    return messages(roles.check_form(lines([role]), roles.WORDS, conversations))


def test_a_good_role():
    assert form(ROLE) == []


@pytest.mark.parametrize(
    ("role", "fault"),
    [
        (ROLE.replace("From now on, you are", "You are"), "role: does not open as a role prompt"),
        (ROLE.replace(" and who", "\n\nand who"), "role: more than one paragraph"),
        (ROLE[:-1], "role: does not end with a sentence"),
        ("From now on, you are a hydrologist who knows the snow of the high valleys.", "role: 15 words, expected"),
        (f"{ROLE} {ROLE.replace('From now on, you are a', 'You remain the')} " * 2, "role: "),
    ],
)
def test_a_role_in_the_wrong_form(role, fault):
    assert any(f"set.jsonl, line 1: {fault}" in found for found in form(role))


def test_a_role_that_quotes_its_conversation():
    talk = Conversation(id="", source="", turns=["Hm?", "I have spent twenty winters measuring snow in high valleys."])
    assert form(ROLE, [talk]) == ["set.jsonl, line 1: role: gives the answer away"]


def test_roles_must_differ():
    found = messages(roles.check_variety(lines([ROLE, OTHER, ROLE])))
    assert found[0] == "set.jsonl, line 3: the same role as line 1"


def test_one_opening_may_not_stand_in_more_than_a_fiftieth():
    same = [
        f"From now on, you are a patient teacher of school mathematics who once {number} x{number}." for number in "abc"
    ]
    (fault,) = [found for found in messages(roles.check_variety(lines([*same, OTHER]))) if "open with" in found]
    assert fault.startswith("set.jsonl, line 2: 3 roles open with 'a patient teacher of school mathematics who once'")


@pytest.fixture
def manual(tmp_path):
    def write(**changes):
        known = {key: ROLE.replace("snow", f"snow, {key},") for key in sorted(roles.MANUAL_KEYS)}
        path = tmp_path / "manual_roles.json"
        found = {key: role for key, role in {**known, **changes}.items() if role}
        path.write_text(json.dumps(found, indent=2) + "\n")
        faults = []
        kept = [*roles.check_manual(roles.read_manual(path, faults), path), *faults]
        return [fault for fault in kept if "nearly" not in fault.message and "open with" not in fault.message]

    return write


def test_each_benchmark_and_subject_has_a_role_by_hand(manual):
    assert manual() == []
    (fault,) = manual(**{"mmlu/virology": None})
    assert fault.message == "mmlu/virology has no role"


def test_a_role_by_hand_for_what_is_no_subject_is_named_with_its_line(manual):
    (fault,) = manual(**{"mmlu/astrology": ROLE})
    assert fault.line == len(roles.MANUAL_KEYS) + 2
    assert "no subject of MMLU" in fault.message


def test_a_role_by_hand_that_is_too_short(manual):
    (fault,) = manual(gsm8k="From now on, you are a teacher of sums who works with care and with patience.")
    assert fault.message.startswith("role: 16 words, expected 20 to 60")


def test_there_is_a_role_for_each_benchmark():
    assert len(roles.MANUAL_KEYS) == 57 + 9
