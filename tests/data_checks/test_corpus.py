from stages.data_checks.corpus import check_conversations, faults_of_code, measure_conversations
from tests.data_checks.samples import lines, messages, talk

ANSWER = " ".join(["word"] * 100)
GOOD = [talk(f"Question {number}?", ANSWER, "And then?", "So.") for number in range(20)]


def test_answers_of_the_right_length_and_enough_long_conversations():
    assert list(check_conversations(lines(GOOD))) == []


def test_an_answer_that_is_too_short():
    assert messages(check_conversations(lines([*GOOD, talk("Why?", "Because.")]))) == [
        "set.jsonl, line 21: the first answer has 1 words, expected 60 to 350"
    ]


def test_an_answer_that_is_too_long():
    (fault,) = messages(check_conversations(lines([*GOOD, talk("Why?", ANSWER * 4)])))
    assert "line 21: the first answer has 397 words" in fault


def test_too_few_conversations_go_on():
    (fault,) = messages(check_conversations(lines(GOOD[:19])))
    assert fault == "set.jsonl: expected at least 20 items of several turns, found 19"


def test_code_that_does_not_compile():
    assert list(faults_of_code("So:\n\n```python\nfor x in y\n    pass\n```\n")) == [
        "a Python block does not compile: expected ':', its line 1"
    ]


def test_code_that_compiles_is_not_run():
    assert list(faults_of_code("So:\n\n```python\nraise SystemExit\n```\n\n```text\nfor x in y\n```")) == []


def test_an_open_code_block():
    assert list(faults_of_code("So:\n\n```python\nx = 1\n")) == ["a code block is left open"]


def test_the_measure_counts_turns_words_and_blocks():
    rows = [talk("Why?", "a b c"), talk("How?", "```python\nx = 1\n```", "And?", "a b c d e")]
    assert measure_conversations(rows) == ("1 of several turns, answers of 3 to 5 words (median 5), 1 Python blocks")
