import pytest

from stages.answers import yes_no
from stages.answers.answer_line import UNREAD, ReadAnswer
from stages.records.question import Question

QUESTION = Question(id="1", question="Could a sloth outrun a cheetah?", choices=["yes", "no"], answer="no")


@pytest.mark.parametrize(
    "text",
    [
        "Answer: no",
        "Answer: No.",
        "Answer: **No**",
        "**Answer:** NO",
        'Answer: "no"',
        "Answer: (no)",
        "Answer: no, because sloths are slow",
        "Answer: no - never",
        "Answer: yes\nOn reflection:\nAnswer: no",
        "Yes, it seems.\n\nAnswer: no",
        "Answer:\nno",
    ],
)
def test_the_line_that_was_asked_for_is_read_strictly(text):
    assert yes_no.read(text, QUESTION) == ReadAnswer("no", "strict")


@pytest.mark.parametrize(
    "text",
    [
        "The answer is no.",
        "So the answer is no",
        "The answer is: No, it could not",
        "No, sloths are slow.",
        "No. Sloths are slow.",
        "no",
        "**No**",
        "Answer: false",
        "The answer is false.",
        "Sloths are slow. So no.",
        "Sloths are slow.\n\nNo.",
        '"No"\n\nSloths are slow.',
        '"No," says the book.',
        "'No'",
        "No it could not.",
        "No because sloths are slow.",
        "The answer is most likely no.",
        "Answer: definitely no",
        'Sloths are slow. "No" is right.',
    ],
)
def test_other_ways_of_saying_it_are_read_flexibly(text):
    assert yes_no.read(text, QUESTION) == ReadAnswer("no", "flexible")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "There is no reason to think so.",
        "No sloth is as quick as a cheetah, some say.",
        "I know that sloths are slow.",
        "Answer: yes and no",
        "Answer: yes or no",
        "Answer: yes/no",
        "Yes and no.",
        "Answer: nobody knows",
        "Answer: no-one knows",
        "Answer: maybe",
        "yesterday",
        '"Yes"\n\nIt covers the distance.\n\n"No"\n\nIt covers the distance.',
        "No itinerary is known.",
        "The answer is likely known.",
    ],
)
def test_what_is_no_verdict_is_not_read(text):
    assert yes_no.read(text, QUESTION) == UNREAD


def test_labels_follow_the_choices():
    assert yes_no.labels(QUESTION) == ["yes", "no"]
    assert yes_no.score("no", QUESTION) == 1.0
    assert yes_no.score("yes", QUESTION) == 0.0
    assert yes_no.score(None, QUESTION) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "Answer: The answer is no",
        "Answer: so the answer is: No.",
        "Probably not",
        "Probably not.",
        "Answer: Probably not",
        "Answer: most likely not, it is slow",
        "The answer is probably not.",
        "Of course not!",
        "Sloths are slow. Almost certainly not.",
        "Definitely not, since sloths are slow.",
        "\\boxed{\\text{No}}",
    ],
)
def test_a_no_said_in_other_words_is_read(text):
    assert yes_no.read(text, QUESTION) == ReadAnswer("no", "flexible")


@pytest.mark.parametrize(
    "text",
    [
        "Not sure",
        "Answer: not sure",
        "Answer: not",
        "Answer: The answer is not known",
        "Answer: The answer is unclear",
        "Probably not a bad idea",
        "It could probably not.",
        "Probably no one.",
        "Certainly, no one knows",
        "Clearly no sloth can",
    ],
)
def test_a_not_that_denies_something_else_is_no_verdict(text):
    assert yes_no.read(text, QUESTION) == UNREAD
