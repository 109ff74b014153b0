import pytest

from stages.data_checks.wording import check_wording, guessed_by_wording, measure_wording
from tests.data_checks.samples import lines, messages, mmlu

WORDS = "ash birch cedar elm fir hazel larch maple oak pine rowan willow".split()  # noqa: SIM905


def rows(right, wrong):
    """A row for each number, the right choice at each place in turn."""
    made = []
    for number in range(60):
        choices = [f"{wrong} {WORDS[(number + step) % 12]}" for step in (1, 2, 3)]
        choices.insert(number % 4, f"{right} {WORDS[number % 12]}")
        made.append(mmlu(choices=choices, answer=number % 4))
    return made


def test_a_word_that_right_choices_alone_have_gives_them_away():
    assert guessed_by_wording(rows("perhaps", "always")) == pytest.approx(1.0)


def test_the_same_words_in_right_and_wrong_choices_give_nothing_away():
    assert guessed_by_wording(rows("a", "a")) < 0.35
    assert list(check_wording(lines(rows("a", "a")))) == []


def test_such_a_word_is_a_fault_of_the_set():
    (fault,) = messages(check_wording(lines(rows("perhaps", "always"))))
    assert fault.startswith("set.jsonl: the wording of the choices alone gets 100.0% right, by chance 25.0%")
    assert measure_wording(rows("perhaps", "always")) == "the wording of the choices alone 100.0%"


def test_few_rows_are_not_judged():
    assert list(check_wording(lines(rows("perhaps", "always")[:20]))) == []
