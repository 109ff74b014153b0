import pytest

from stages.core.errors import InputError
from stages.corpora.formats import IncompleteRowError, turns

WHERE = "own.jsonl, line 3"


def sharegpt(*pairs):
    return {"conversations": [{"from": speaker, "value": text} for speaker, text in pairs]}


def messages(*pairs):
    return {"messages": [{"role": speaker, "content": text} for speaker, text in pairs]}


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": ["Why?", "Because."], "source": "x"},
        sharegpt(("human", "Why?"), ("gpt", "Because.")),
        messages(("user", "Why?"), ("assistant", "Because.")),
        {"instruction": "Why?", "input": "", "output": "Because."},
        {"instruction": "Why?", "output": "Because."},
    ],
)
def test_every_format_gives_the_same_turns(row):
    assert turns(row, WHERE) == ["Why?", "Because."]


def test_alpaca_input_follows_the_instruction():
    row = {"instruction": "Translate.", "input": "Guten Tag", "output": "Good day", "text": "ignored"}
    assert turns(row, WHERE) == ["Translate.\n\nGuten Tag", "Good day"]


def test_a_system_message_stands_before_the_first_turn():
    row = messages(("system", "Be brief."), ("user", "Why?"), ("assistant", "So."))
    assert turns(row, WHERE) == ["Be brief.\n\nWhy?", "So."]


def test_an_empty_system_message_leaves_no_trace():
    assert turns(messages(("system", None), ("user", "Why?"), ("assistant", "So.")), WHERE)[0] == "Why?"


def test_several_turns_stay_in_order():
    row = sharegpt(("human", "1"), ("gpt", "2"), ("human", "3"), ("gpt", "4"))
    assert turns(row, WHERE) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"prompt": "Why?", "completion": "So."}, "found prompt, completion"),
        ({}, "found none"),
        (sharegpt(("human", "Why?"), ("human", "Well?")), "turn 1 is by 'human', expected one of assistant"),
        (sharegpt(("gpt", "Hello."), ("human", "Why?")), "turn 0 is by 'gpt', expected one of human"),
        (messages(("user", "Why?"), ("tool", "{}")), "turn 1 is by 'tool'"),
        ({"messages": [{"role": "user", "text": "Why?"}]}, "expected turns with 'role' and 'content'"),
        ({"conversations": [{"from": "human", "value": "Why?"}, "Because."]}, "expected turns with 'from'"),
    ],
)
def test_what_is_in_no_known_format_is_an_error_that_names_the_line(row, fault):
    with pytest.raises(InputError, match=rf"own\.jsonl, line 3: .*{fault}"):
        turns(row, WHERE)


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "Why?", "input": "", "output": ""},
        {"instruction": None, "input": "x", "output": "So."},
        {"instruction": "Why?", "output": None},
        {"conversations": ["Why?"]},
        {"conversations": []},
        {"conversations": ["Why?", " "]},
        sharegpt(("human", "Why?"), ("gpt", None)),
        messages(("system", "Be brief."), ("user", "")),
    ],
)
def test_a_row_without_a_conversation_is_incomplete(row):
    with pytest.raises(IncompleteRowError):
        turns(row, WHERE)
