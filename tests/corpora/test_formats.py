import pytest

from stages.core.errors import InputError
from stages.corpora.reading import IncompleteRowError, MisfitRowError, turns

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
        ({"messages": [{"role": "user", "text": "Why?"}]}, "expected turns with 'role' and 'content'"),
        ({"conversations": [{"from": "human", "value": "Why?"}, "Because."]}, "expected turns with 'from'"),
    ],
)
def test_what_is_in_no_known_format_is_an_error_that_names_the_line(row, fault):
    with pytest.raises(InputError, match=rf"own\.jsonl, line 3: .*{fault}"):
        turns(row, WHERE)


def weighted(weight):
    answer = {"role": "assistant", "content": "So.", "weight": weight}
    return {"messages": [{"role": "user", "content": "Why?"}, answer]}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (sharegpt(("human", "Why?"), ("human", "Well?")), "turn 1 is by 'human', expected one of assistant"),
        (sharegpt(("gpt", "Hello."), ("human", "Why?")), "turn 0 is by 'gpt', expected one of human"),
        (messages(("user", "Why?"), ("tool", "{}")), "turn 1 is by 'tool'"),
        (messages(("user", "Why?"), ("assistant", "So."), ("system", "Stop.")), "turn 2 is by 'system'"),
        (weighted(0), "turn 1 has weight 0"),
        ({"instruction": "Why?", "output": "So.", "history": ["What?"]}, "history is no list of pairs"),
    ],
)
def test_turns_that_do_not_alternate_or_are_not_to_be_learnt_do_not_fit(row, fault):
    with pytest.raises(MisfitRowError, match=fault):
        turns(row, WHERE)


def test_a_weight_of_one_is_learnt():
    assert turns(weighted(1), WHERE) == ["Why?", "So."]


def test_two_system_turns_are_both_kept():
    row = messages(("system", "Be brief."), ("developer", "Use metres."), ("user", "Why?"), ("assistant", "So."))
    assert turns(row, WHERE)[0] == "Be brief.\n\nUse metres.\n\nWhy?"


def test_content_given_as_a_list_of_parts_is_read_as_text():
    parts = [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]
    row = messages(("system", parts), ("user", [{"type": "text", "text": "Why?"}]), ("assistant", "So."))
    assert turns(row, WHERE) == ["Be brief.\n\nWhy?", "So."]


def test_alpacas_system_and_history_are_used():
    row = {"instruction": "Why?", "input": "", "output": "So.", "system": "Be brief.", "history": [["What?", "This."]]}
    assert turns(row, WHERE) == ["Be brief.\n\nWhat?", "This.", "Why?", "So."]


@pytest.mark.parametrize(
    "row",
    [
        messages(("user", [{"type": "image", "url": "x"}]), ("assistant", "So.")),
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
