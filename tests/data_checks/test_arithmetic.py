import pytest

from stages.data_checks.arithmetic import check_arithmetic, compute
from tests.data_checks.samples import gsm8k, lines, messages


def faults(answer):
    return messages(check_arithmetic(lines([gsm8k(answer)])))


def test_a_right_solution():
    assert faults("Bought: 3 * 12 = 36\nLeft: 36 - 5 = 31 eggs\n#### 31") == []


def test_a_wrong_step_is_named():
    assert faults("Bought: 3 * 12 = 38\nLeft: 38 - 5 = 33\n#### 33") == ["set.jsonl, line 1: 3 * 12 is 36, not 38"]


def test_an_answer_that_the_last_step_does_not_give():
    assert faults("Bought: 3 * 12 = 36\n#### 31") == [
        "set.jsonl, line 1: the answer 31 is not in the last step of the solution"
    ]


def test_brackets_fractions_thousands_and_dollars():
    assert faults("Mugs: (28 + 4) * 7 = 224\nCost: $1,120 / 2 - 0.5 * 3 = $558.50\n#### 558.50") == []


def test_calculator_marks_are_no_part_of_a_solution():
    assert faults("Bought: 3 * 12 = <<3*12=36>>36\n#### 36") == []


@pytest.mark.parametrize("text", ["3 +", "2 / 0", "__import__('os')", "2 ** 9"])
def test_what_is_no_sum_is_not_computed(text):
    assert compute(text) is None
