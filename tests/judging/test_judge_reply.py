"""Replies as judges write them."""

import pytest

from stages.judging.judge_reply import read_verdict

STRICT = {
    "A": "A",
    "b": "B",
    "tie": "tie",
    " Tie.\n": "tie",
    "**A**": "A",
    '"B"': "B",
    "(A)": "A",
    "[[B]]": "B",
}

FLEXIBLE = {
    "Answer A": "A",
    "Answer A is more": None,  # cut off: whether it would have said "helpful" or "confusing" is not known
    "Answer A is more helpful": "A",
    "The better answer is B.": "B",
    "Better answer: A": "A",
    "Verdict: B": "B",
    "**Verdict:** tie": "tie",
    '{"verdict": "A"}': "A",
    '```json\n{"verdict": "tie"}\n```': "tie",
    "A. It names the cause and says what to do.": "A",
    "A, because B is wrong about the year.": "A",
    "B\n\nIt is clearer.": "B",
    "I think B is slightly better than A.": "B",
    "Response A is the clearer one": "A",
    "After some thought: [[A]]": "A",
    "It's a tie.": "tie",
    "Both answers are equally good.": "tie",
    "<think>A is better in tone, B in facts.</think>B": "B",
    "<think>A is better.</think>\nVerdict: B": "B",
    "option B": "B",
    "Answer B wins": "B",
}

UNREADABLE = [
    "",
    "   ",
    "A, B or tie",
    "A or B",
    "A and B",
    "A B",
    "A/B",
    "A: B",
    "A good answer names its sources.",
    "a helpful answer",
    "The answer is more helpful to the",
    "It is not a tie.",
    "It isn't a tie, but I cannot say.",
    "A is better. B is better.",
    "Answer A is worse than",
    "A is not better",
    "<answer A>\nHi\n</answer A>",
    "Verdict: A or B",
    "I cannot judge this.",
    "<think>A is better",
    "Both answers have merit",
    "Tiebreak",
]


@pytest.mark.parametrize(("reply", "verdict"), [*STRICT.items(), *FLEXIBLE.items()])
def test_a_verdict_is_read(reply, verdict):
    assert read_verdict(reply) == verdict


@pytest.mark.parametrize("reply", UNREADABLE)
def test_what_names_no_verdict_or_several_is_not_guessed(reply):
    assert read_verdict(reply) is None
