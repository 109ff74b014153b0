import pytest

from stages.answers import number
from stages.answers.answer_line import UNREAD, ReadAnswer
from stages.records.question import Question

QUESTION = Question(id="1", question="How much?", answer="29")


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ("29", "29"),
        ("$29.00", "29"),
        ("$29.", "29"),
        ("29.0", "29"),
        ("29 dollars", "29"),
        ("29km", "29"),
        ("29 km/h", "29"),
        ("**29**", "29"),
        ("\\$29", "29"),
        ("€29", "29"),
        ("029", "29"),
        ("1,000", "1000"),
        ("1,234,567.50", "2469135/2"),
        ("1{,}000", "1000"),
        ("1\u202f000", "1000"),
        ("ten", "10"),
        ("Ten apples", "10"),
        ("twenty-nine", "29"),
        ("one hundred and five", "105"),
        ("two thousand", "2000"),
        ("minus three", "-3"),
        ("2 million", "2000000"),
        ("1.5 million", "1500000"),
        ("1/2", "1/2"),
        ("3 / 4", "3/4"),
        ("2 1/2", "5/2"),
        ("\\frac{3}{4}", "3/4"),
        ("0.75", "3/4"),
        (".5", "1/2"),
        ("50%", "50"),
        ("50 percent", "50"),
        ("-3", "-3"),
        ("\u22123", "-3"),
        ("-$3", "-3"),
        ("$-3", "-3"),
        ("3 + 4 = 7", "7"),
        ("10 - 5 = 5", "5"),
        ("x = 7 apples", "7"),
        ("\\boxed{29}", "29"),
        ("about 29", "29"),
    ],
)
def test_a_number_in_any_dress_has_its_value(stated, value):
    assert number.read(f"Some work: 3 + 4.\n\nAnswer: {stated}", QUESTION) == ReadAnswer(value, "strict")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Answer: 29 apples in 3 boxes", "29"),
        ("The answer is 29.", "29"),
        ("The answer is $29.00, for 3 boxes.", "29"),
        ("The total cost = 29. So the answer is twenty-nine.", "29"),
        ("3 * 9 + 2 = 29\n#### 29", "29"),
        ("#### 29\n\nThat took 3 steps.", "29"),
        ("So it is \\boxed{29}. That was step 3.", "29"),
        ("First 3 boxes, then 26 more, which makes 29", "29"),
        ("She has 1,029 in all.", "1029"),
        ("She pays $29.", "29"),
        ("Final answer: 29", "29"),
        ("It falls to -5", "-5"),
        ("1. So 40 - 11 = 29 eggs.\n2. She then", "29"),
        ("Step 1: 3 boxes hold 29.\n\nStep 2: She", "29"),
        ("It holds\n29", "29"),
        ("- 29 a month", "29"),
        ("Each year:\n\n- 1. It is 29", "29"),
        ("It is\n-29", "-29"),
        ("29 eggs", "29"),
    ],
)
def test_without_the_line_the_number_is_found_flexibly(text, value):
    assert number.read(text, QUESTION) == ReadAnswer(value, "flexible")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Answer: none",
        "Answer: 10 or 29",
        "Answer: between 10 and 29, say 10 to 29",
        "Answer: 10-29",
        "Answer: 10 to 29",
        "The answer is 10 or 29.",
        "Answer: 1/0",
        "One might wonder.",
        "H2O and B12 are names.",
        "1. First she counts.\n2. Then she adds.",
        "Answer: N",
        "Answer: " + "9" * 5000,
    ],
)
def test_what_is_not_one_number_is_not_read(text):
    assert number.read(text, QUESTION) == UNREAD


def test_an_answer_before_trailing_reasoning_counts():
    text = "Answer: 29\n\nTo check: 3 boxes of 12 are 36, and 36 - 7 is 29; with 4 boxes it would be 41."
    assert number.read(text, QUESTION) == ReadAnswer("29", "strict")


def test_the_last_of_several_answers_counts():
    assert number.read("Answer: 12\nI forgot a box.\nAnswer: 29", QUESTION) == ReadAnswer("29", "strict")


@pytest.mark.parametrize("target", ["29", "29.0", "$29", "29"])
def test_score_compares_values(target):
    question = QUESTION.model_copy(update={"answer": target})
    assert number.score("29", question) == 1.0
    assert number.score("28", question) == 0.0
    assert number.score(None, question) == 0.0


def test_a_thousand_separator_in_the_target():
    question = QUESTION.model_copy(update={"answer": "2,125"})
    assert number.score(number.read("Answer: $2125.00", question).value, question) == 1.0


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ("18, since 18 / 2 = 9.", "18"),
        ("18 since 18 / 2 = 9", "18"),
        ("18, because 2 * 9 = 18 and 3 * 6 = 18", "18"),
        ("$18. Since 18 / 2 = 9.", "18"),
        ("18, as 20 - 2 = 18", "18"),
        ("18, which is 2 * 9", "18"),
        ("18 - that is, 9 twice", "18"),
        ("since 18 / 2 = 9, the total is 18", "18"),
        ("9 + 9, which is 18", "18"),
    ],
)
def test_a_reason_given_for_a_number_does_not_replace_it(stated, value):
    assert number.read(f"Answer: {stated}", QUESTION).value == value
    assert number.read(f"The answer is {stated}", QUESTION).value == value


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ("42 = 6 * 7", "42"),
        ("6 * 7 = 42", "42"),
        ("6 * 7 = 42 = 2 * 21", "42"),
        ("42 = 6 \\times 7", "42"),
        ("42 = 6 times 7", "42"),
        ("15 = 20 - 5", "15"),
        ("29.5 = 59 / 2", "59/2"),
        ("3 boxes * 14 eggs = 42 eggs", "42"),
        ("5 (boxes) * 4 = 20", "20"),
        ("x = 3/4", "3/4"),
        ("x = -3", "-3"),
        ("1 hour = 60 minutes", "60"),
    ],
)
def test_of_an_equation_the_side_that_is_calculated_counts(stated, value):
    assert number.read(f"Answer: {stated}", QUESTION) == ReadAnswer(value, "strict")
    assert number.read(f"#### {stated}", QUESTION).value == value
    assert number.read(f"So \\boxed{{{stated}}}", QUESTION).value == value


@pytest.mark.parametrize("stated", ["x = 3 or x = 5", "9 + 9", "6 * 7 = 3 * 14", "20 - 5"])
def test_what_is_left_to_calculate_or_to_choose_is_no_answer(stated):
    assert number.read(f"Answer: {stated}", QUESTION) == UNREAD


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ("15 (the difference between 20 and 5)", "15"),
        ("15 eggs (20 less the 5 that broke)", "15"),
        ("$15 (or 15 dollars)", "15"),
        ("15, between 10 and 20", "15"),
    ],
)
def test_an_aside_makes_a_number_no_range(stated, value):
    assert number.read(f"Answer: {stated}", QUESTION).value == value


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ("70,\\!000", "70000"),
        ("70\\,000", "70000"),
        ("10 000", "10000"),
        ("-10 000", "-10000"),
        ("$10 000", "10000"),
        ("12 345 678 people", "12345678"),
        ("1 000.5", "2001/2"),
        ("\\(70{,}000\\)", "70000"),
        ("2 100/3", "106/3"),
    ],
)
def test_thousands_set_apart_by_spaces_are_one_number(stated, value):
    assert number.read(f"Answer: {stated}", QUESTION) == ReadAnswer(value, "strict")


@pytest.mark.parametrize(
    ("text", "value"),
    [("In 2020 100", "100"), ("She buys 3 100-gram bars", "100"), ("It has 1234 567", "567"), ("Row 0 100", "100")],
)
def test_numbers_that_stand_side_by_side_stay_two(text, value):
    assert number.read(text, QUESTION).value == value
