import pytest

from stages.reporting.verdict import differences, preferred


def entry(delta, p_holm, detectable=0.1):
    return {"delta": delta, "p_holm": p_holm, "detectable": detectable}


def test_without_significance_no_win_is_claimed():
    text = differences({"MMLU": entry(0.04, 0.3), "GSM8K": entry(-0.02, 1.0, 0.2)}, "set")
    assert text.startswith("role scored above standard on 1 of the 2 sets and below on 1;")
    assert "no difference is significant after Holm's correction for testing all of them." in text
    assert "On both sets a true difference of 10.0 to 20.0 points would be found four times in five." in text


def test_significant_differences_are_named_with_their_sign():
    text = differences({"MMLU": entry(0.04, 0.001), "GSM8K": entry(-0.06, 0.04), "X": entry(0.0, 1.0)}, "benchmark")
    assert "for testing all of them, MMLU (+4.0 points) and GSM8K (−6.0 points) are significant at 5%" in text  # noqa: RUF001
    assert "no other difference is" in text
    assert "(equal on 1)" in text


@pytest.mark.parametrize("p", [0.05, 0.0500001, None])
def test_at_the_limit_nothing_is_significant(p):
    assert "no difference is significant" in differences({"MMLU": entry(0.04, p)}, "benchmark")


def test_a_p_of_zero_is_significant():
    assert "is significant at 5%" in differences({"MMLU": entry(0.04, 0.0)}, "benchmark")


def test_too_few_questions_are_told():
    text = differences({"MMLU": entry(0.5, 1.0, None)}, "benchmark")
    assert "On the only benchmark the arms disagree on too few questions to find any." in text
    text = differences({"MMLU": entry(0.5, 1.0, None), "GSM8K": entry(0.1, 1.0, 0.2)}, "set")
    assert "On 1 of the 2 sets a true difference of 20.0 points would be found four times in five; on the" in text


def test_nothing_compared_is_told():
    assert "could not be compared" in differences({"HumanEval": entry(None, None, None)}, "benchmark")


def judged(p, rate=0.7):
    return {"win_rate": rate, "ci_low": rate - 0.1, "ci_high": rate + 0.1, "sign_test": {"p": p}}


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (judged(0.2), "no significant preference, p = 0.200"),
        (judged(0.01), "a preference for role, p = 0.010"),
        (judged(0.0001, 0.2), "a preference for standard, p < 0.001"),
        (judged(None, 0.5), "no prompt was won or lost"),
        (judged(0.2) | {"strength": {"measured_nothing": True}}, "the judge measured nothing"),
        ({"win_rate": None, "reason": "no comparison was judged"}, "not compared: no comparison was judged"),
    ],
)
def test_a_preference_is_claimed_only_with_its_test(summary, words):
    assert words in preferred("standard", summary)
