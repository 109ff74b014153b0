import pytest

from stages.reporting import names


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0449, "+4.5"), (-0.0449, "−4.5"), (0.0, "0.0"), (-0.0001, "0.0"), (None, "n/a")],  # noqa: RUF001
)
def test_points_have_a_sign_unless_they_round_to_nothing(value, text):
    assert names.points(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0009, "<0.001"), (0.001, "0.001"), (1.0, "1.000"), (None, "n/a")])
def test_small_p_values_are_no_zeros(value, text):
    assert names.p_value(value) == text


def test_numbers_have_thousands_apart():
    assert names.number(14042) == "14,042"
    assert names.number(-1234.5, 1) == "−1,234.5"  # noqa: RUF001


def test_lists_read_as_prose():
    assert names.listed(["a"]) == "a"
    assert names.listed(["a", "b", "c"]) == "a, b and c"
    assert names.listed([]) == ""
    assert names.counted(1, "difference") == "1 difference"
    assert names.counted(2850, "question") == "2,850 questions"
