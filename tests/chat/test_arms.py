"""What the answers of each arm open with."""

import pytest

from stages.chat import arms, self_prompt
from stages.records.conversation import AnnotatedConversation

CORPUS = [
    AnnotatedConversation(
        id=f"i-{number}",
        source="test",
        turns=[f"Who was Dr. {name}? Be brief.", f"  A doctor, {number}."],
        role=f"From now on, you are a historian of the U.S. Navy who knew Dr. {name}. You doubt much.",
    )
    for number, name in enumerate(["Adams", "Brown", "Clark", "Davis", "Evans"])
]


def test_each_arm_has_its_head():
    heads = {arm: arms.heads(arm, CORPUS) for arm in arms.ALL}
    assert heads["standard"] == [None] * 5
    assert heads["role"] == [item.role for item in CORPUS]
    assert heads["constant"] == [arms.GENERIC_ROLE] * 5
    assert heads["restated"][0] == "Who was Dr. Adams?"
    assert heads["brief"][0] == "From now on, you are a historian of the U.S. Navy who knew Dr. Adams."


def test_shuffled_gives_every_item_anothers_role():
    given, own = arms.heads("shuffled", CORPUS), arms.heads("role", CORPUS)
    assert sorted(given) == sorted(own)
    assert all(theirs != mine for theirs, mine in zip(given, own, strict=True))


@pytest.mark.parametrize("arm", arms.ALL)
def test_a_head_stands_before_the_answer_and_a_blank_line_between(arm):
    head = arms.heads(arm, CORPUS)[0]
    turns = arms.with_head(CORPUS[0].turns, head)
    assert turns[0] == CORPUS[0].turns[0]
    assert turns[1] == ("A doctor, 0." if head is None else f"{head}\n\nA doctor, 0.")
    found, answer = self_prompt.split(turns[1])
    if arm == "restated":
        found, answer = self_prompt.split_restated(turns[1], turns[0])
    assert (found, answer) == (head, "A doctor, 0.")
