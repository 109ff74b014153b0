import pytest

from stages.data_checks import guessing
from tests.data_checks.samples import lines, messages, mmlu, strategy

SHORT, LONG = "ab", "abcdef"


def rows(right, count, other=("c", "d", "e")):
    """``count`` rows, the right choice standing at each place in turn."""
    made = []
    for number in range(count):
        choices = list(other)
        choices.insert(number % 4, right)
        made.append(mmlu(choices=choices, answer=number % 4))
    return made


def test_the_longest_choice_may_not_be_right_too_often():
    faults = messages(guessing.check_guessing(lines(rows(LONG, 60))))
    assert faults[0].startswith("set.jsonl: the longest choice is right in 100.0%, by chance 25.0%")


def test_nor_the_shortest():
    faults = messages(guessing.check_guessing(lines(rows("c", 60, (LONG + "1", LONG + "2", LONG + "3")))))
    assert any("the shortest choice is right in 100.0%" in fault for fault in faults)


def test_choices_of_one_length_tell_nothing():
    assert list(guessing.check_guessing(lines(rows("a", 60)))) == []


def test_ties_for_the_longest_count_in_parts():
    row = mmlu(choices=[LONG, LONG + "!", "a", LONG + "?"], answer=1)
    assert guessing.guessed([row], guessing.longest) == pytest.approx(0.5)
    assert guessing.GUESSES["the first of the longest choices"](row.choices) == [1]


def test_a_letter_that_is_right_too_often():
    faults = messages(
        guessing.check_letters(lines([mmlu(answer=number % 4 if number < 40 else 0) for number in range(60)]))
    )
    assert faults[0].startswith("set.jsonl: A is right in 50.0% of the rows")


def test_few_rows_are_not_judged():
    assert list(guessing.check_guessing(lines(rows(LONG, 8)))) == []
    assert list(guessing.check_letters(lines([mmlu(answer=0)] * 8))) == []


def test_yes_is_right_in_half():
    assert list(guessing.check_yes(lines([strategy(number % 2 == 0) for number in range(60)]))) == []
    assert messages(guessing.check_yes(lines([strategy(number % 4 == 0) for number in range(60)])))
