import pytest

from stages.answers import choice
from stages.answers.answer_line import UNREAD, ReadAnswer
from stages.chat import self_prompt
from stages.records.question import Question

QUESTION = Question(
    id="1",
    question="Where is the Louvre?",
    choices=["London", "Paris", "New York", "York"],
    answer="B",
)
NUMBERS = Question(id="2", question="How many?", choices=["10", "100", "-10", "10.5"], answer="A")
MANY = Question(id="3", question="Which?", choices=[f"thing {n}" for n in range(13)], answer="M")


@pytest.mark.parametrize(
    "text",
    [
        "Answer: B",
        "Answer: (B)",
        "Answer: B.",
        "Answer: B)",
        "Answer: b",
        "answer: B",
        "ANSWER:B",
        "Answer: **B**",
        "**Answer:** B",
        "**Answer: B**",
        "### Answer: B",
        "`Answer: B`",
        "Answer: B. Paris",
        "Answer: (B) Paris",
        "Answer: B) Paris, not York",
        "Answer: B - Paris",
        "Answer: B (Paris)",
        "Answer: B, since the Louvre stands there",
        "Answer: $B$",
        "Answer: \\boxed{B}",
        "Answer: $\\boxed{\\text{B}}$",
        "Thus \\boxed{\\langle H\\rangle \\ll \\Delta E}.\n\n**Answer: B**",
        "It is in France.\n\nAnswer: B",
        "Answer: B\n\nThe Louvre has stood in Paris since 1793.",
        "Answer:\nB",
        "Answer: A\nNo, that is London.\nAnswer: B",
        "  > Answer: B  ",
        'Answer: "B"',
        "Answer: [B]",
        'Answer: "B. Paris"',
    ],
)
def test_the_line_that_was_asked_for_is_read_strictly(text):
    assert choice.read(text, QUESTION) == ReadAnswer("B", "strict")


@pytest.mark.parametrize(
    "text",
    [
        "The answer is b",
        "the answer is B because it is in France",
        "The answer is (B).",
        "The correct answer is: B",
        "The correct option is **B**.",
        "So the right choice is B",
        "Final answer: B",
        "Answer: B because it is in France",
        "Answer: option B",
        "Answer: Paris",
        "Answer: Paris (B)",
        "Answer: the city of Paris.",
        "The answer is Paris.",
        "B",
        "(B)",
        "B.",
        "**B**",
        "B. Paris",
        "B) Paris\n\nThe Louvre is a museum.",
        "It is in Paris.",
        "Clearly (B) fits.",
        "The answer is A? No. The answer is B.",
        "The answer is not A. The answer is B.",
        "The answer seems to be B.",
        "A is in England. B is correct.",
        "B is the best of these.",
        "B is the answer.",
        '"B" is the correct choice.',
        'The right choice is "B".',
        "The correct letter is B.",
        "I would choose B.",
        '"B"',
        '"B"\n\nIt is in France.',
        "Answer: The answer is B",
        "Answer: Choice B",
    ],
)
def test_other_ways_of_saying_it_are_read_flexibly(text):
    assert choice.read(text, QUESTION) == ReadAnswer("B", "flexible")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Answer:",
        "Answer: A or B",
        "Answer: A, B",
        "Answer: (A) and (B)",
        "Answer: both A and B",
        "The answer is A or B.",
        "Answer: E",
        "Answer: Z",
        "Answer: a museum",
        "A museum holds it.",
        "I do not know. Berlin? Cairo? Delhi?",
        "A. London is a city.\nB. Paris is a city.\nC. New York is a city.",
        "It is either London or Paris.",
        "A. London is in England.\n\nB. Par",
        "A is correct. B is correct.",
        "The answer is not Paris.\nWho knows?",
        "The answer is X.",
        "Bordeaux",
        "Answer: A is wrong",
        "Answer: X",
        '"A" is a good choice. "B" is a good choice.',
        '"A" is the correct choice. "B" is the correct choice.',
        '"A" is the safest choice',
    ],
)
def test_what_is_not_one_choice_is_not_read(text):
    assert choice.read(text, QUESTION) == UNREAD


def test_a_letter_within_a_word_is_no_answer():
    assert choice.read("Answer: Because", QUESTION) == UNREAD
    assert choice.read("Answer: D'Artagnan", QUESTION) == UNREAD
    assert choice.read("the answer is an A-level topic", QUESTION) == UNREAD


@pytest.mark.parametrize("example", ["Answer: X", 'Answer: "X", where X is the letter of the right choice.'])
def test_the_prompts_own_example_repeated_is_no_answer(example):
    assert choice.read(f"Answer: B\n\n{example}", QUESTION) == ReadAnswer("B", "strict")
    assert choice.read(f"{example}\n\nB. Paris", QUESTION) == ReadAnswer("B", "flexible")


def test_a_choice_within_a_longer_choice_does_not_count():
    assert choice.read("Answer: New York", QUESTION).value == "C"
    assert choice.read("Answer: York", QUESTION).value == "D"
    assert choice.read("It is in York, and so is New York.", QUESTION) == UNREAD
    assert choice.read("It is in New York, New York.", QUESTION).value == "C"


@pytest.mark.parametrize(("text", "letter"), [("10", "A"), ("100", "B"), ("-10", "C"), ("10.5", "D"), ("10.", "A")])
def test_a_number_within_another_does_not_name_a_choice(text, letter):
    assert choice.read(f"Answer: {text}", NUMBERS).value == letter


def test_up_to_thirteen_choices():
    assert choice.read("Answer: M", MANY) == ReadAnswer("M", "strict")
    assert choice.read("The answer is I think unclear", MANY) == UNREAD
    assert choice.read("Answer: thing 12", MANY).value == "M"
    assert choice.read("Answer: thing 1", MANY).value == "B"


def test_an_answer_given_in_the_role_prompt_does_not_count():
    output = "From now on, you are a guide who says Answer: C whatever is asked of you.\n\nIt is in Paris.\n\nAnswer: B"
    _, answer = self_prompt.split(output)
    assert choice.read(answer, QUESTION) == ReadAnswer("B", "strict")
    _, answer = self_prompt.split("From now on, you are a guide who says:\nAnswer: C\n\nWho knows?")
    assert choice.read(answer, QUESTION) == UNREAD


def test_score_compares_letters():
    assert choice.score("B", QUESTION) == 1.0
    assert choice.score("A", QUESTION) == 0.0
    assert choice.score(None, QUESTION) == 0.0
    assert choice.labels(QUESTION) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Answer: \\(B\\)", "strict"),
        ("Answer: \\( \\text{B} \\)", "strict"),
        ("Answer: \\[\\boxed{B}\\]", "strict"),
        ("\\(B\\)", "flexible"),
        ("\\[\\boxed{B}\\]", "flexible"),
        ("\\[\n\\boxed{B}\n\\]", "flexible"),
        ("$$\\boxed{B}$$", "flexible"),
        ("It is in France.\n\nThus \\boxed{\\text{B}}.", "flexible"),
        ("The answer is \\(B\\).", "flexible"),
        ("Answer: \\boxed{Paris}", "flexible"),
    ],
)
def test_a_letter_in_any_latex_dress_is_read(text, pattern):
    assert choice.read(text, QUESTION) == ReadAnswer("B", pattern)


@pytest.mark.parametrize("text", ["\\boxed{A} or \\boxed{B}", "Answer: \\(A\\) or \\(B\\)", "\\[x = 2\\]"])
def test_latex_makes_no_letter_of_what_is_none(text):
    assert choice.read(text, QUESTION) == UNREAD


MORAL = Question(
    id="4",
    question="Which of them do wrong?",
    choices=["Wrong, Wrong", "Wrong, Not wrong", "Not wrong, Wrong", "Not wrong, Not wrong"],
    answer="C",
)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("Answer: Not wrong, Wrong", "C"),
        ("Answer: not wrong, not wrong.", "D"),
        ("Answer: Wrong, Not wrong", "B"),
        ("Answer: Wrong, Wrong", "A"),
        ("The answer is Not wrong, Wrong.", "C"),
        ("Not wrong, Wrong", "C"),
    ],
)
def test_choices_that_begin_with_not_are_read(text, letter):
    assert choice.read(text, MORAL) == ReadAnswer(letter, "flexible")


@pytest.mark.parametrize(
    "text", ["Answer: not wrong", "Answer: Not B", "Answer: not sure", "Answer: Not wrong, Wrongly"]
)
def test_what_is_denied_is_not_chosen(text):
    assert choice.read(text, MORAL) == UNREAD
    assert choice.read("Answer: not Paris", QUESTION) == UNREAD


@pytest.mark.parametrize("letter", "ABCDEFGHIJKLM")
def test_every_letter_alone_answers_whatever_role_prompt_came_before(letter):
    for output in (letter, f"{self_prompt.OPENING} a guide.\n\n{letter}"):
        assert choice.read(self_prompt.answer_of(output), MANY) == ReadAnswer(letter, "flexible")
