import pytest

from stages.answers import span
from stages.answers.answer_line import UNREAD, ReadAnswer
from stages.records.question import Question


def question(answer: str) -> Question:
    return Question(id="1", question="Who or where?", answer=answer)


@pytest.mark.parametrize(
    ("text", "value", "pattern"),
    [
        ("Answer: Salzburg", "Salzburg", "strict"),
        ("Answer: **Salzburg**", "Salzburg", "strict"),
        ('Answer: "Salzburg"', "Salzburg", "strict"),
        ("He was born in 1756.\n\nAnswer: Salzburg\n\nIt lies in Austria.", "Salzburg", "strict"),
        ("Answer: J. S. Bach", "J. S. Bach", "strict"),
        ("The answer is Salzburg. It lies in Austria.", "Salzburg", "flexible"),
        ("Salzburg", "Salzburg", "flexible"),
    ],
)
def test_reading(text, value, pattern):
    assert span.read(text, question("Salzburg")) == ReadAnswer(value, pattern)


@pytest.mark.parametrize(
    ("asked", "text", "value", "pattern"),
    [
        ("Do whales and bats belong to one class?", "The answer is yes, both are mammals.", "yes", "flexible"),
        (
            "Do whales and bats belong to one class?",
            "Yes, they do.\nBoth are mammals,\nwarm of blood.",
            "yes",
            "flexible",
        ),
        ("Do whales and bats belong to one class?", "Answer: Yes, both are mammals", "yes", "strict"),
        ("Do whales and bats belong to one class?", "No, no, no!", "no", "flexible"),
        ("Did Tolstoy or Gogol write Dead Souls?", "Answer: Gogol", "Gogol", "strict"),
        ("Which musical has a song of two teas?", "Answer: No, No, Nanette", "No, No, Nanette", "strict"),
        ("Isaac Newton was born where?", "The answer is no, nobody knows", "no, nobody knows", "flexible"),
    ],
)
def test_a_verdict_is_read_where_the_question_asks_for_one(asked, text, value, pattern):
    assert span.read(text, Question(id="1", question=asked, answer="")) == ReadAnswer(value, pattern)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Answer:",
        "Answer: X",
        "Answer: X, where X is as short as possible.",
        "A long tale.\nOf many lines.\nWithout an end.",
        "word " * 16,
    ],
)
def test_a_text_without_an_answer_is_not_read(text):
    assert span.read(text, question("Salzburg")) == UNREAD


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("The Beatles", "Beatles"),
        ("the beatles.", "Beatles"),
        ("an  apple", "Apple"),
        ("U.S.", "US"),
        ("Chief of Protocol", "chief of protocol"),
        ("YES", "yes"),
    ],
)
def test_articles_punctuation_and_case_do_not_count(written, target):
    assert span.score(written, question(target)) == 1.0
    assert span.f1(written, question(target)) == 1.0


def test_f1_counts_shared_words():
    # "New York City" against "York": precision 1/3, recall 1.
    assert span.f1("New York City", question("York")) == pytest.approx(0.5)
    assert span.score("New York City", question("York")) == 0.0
    # A word counts as often as both have it.
    assert span.f1("york york", question("York")) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("written", "target"), [("yes it is", "yes"), ("yes", "yes it is"), ("no", "yes")])
def test_yes_and_no_have_no_partial_credit(written, target):
    assert span.f1(written, question(target)) == 0.0


@pytest.mark.parametrize("written", [None, "", "the", "..."])
def test_an_empty_answer_scores_nothing(written):
    assert span.score(written, question("Salzburg")) == 0.0
    assert span.f1(written, question("Salzburg")) == 0.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The answer is Paris", "Paris"),
        ("So the answer is Paris.", "Paris"),
        ("Answer: The answer is Paris", "Paris"),
        ("Answer: The answer is Paris. It lies in France.", "Paris"),
        ("Answer: the final answer is: Paris", "Paris"),
        ("Answer: My answer is **Paris**", "Paris"),
        ('Answer: The correct answer would be "Paris"', "Paris"),
    ],
)
def test_the_words_the_answer_is_are_no_part_of_the_answer(text, value):
    assert span.read(text, question("Paris")) == ReadAnswer(value, "flexible")


@pytest.mark.parametrize("title", ["The Answer", "What is the answer", "An Answer Is a Question", "The answer is"])
def test_a_title_that_speaks_of_an_answer_is_whole(title):
    assert span.read(f"Answer: {title}", question(title)) == ReadAnswer(title, "strict")


def test_any_of_an_answer_s_other_forms_counts():
    def asked(*aliases):
        return question("United States").model_copy(update={"aliases": list(aliases)})

    assert span.score("the USA", asked("USA", "United States of America")) == 1.0
    assert span.score("United States", asked("USA")) == 1.0
    assert span.score("America", asked("USA", "United States of America")) == 0.0
    assert span.f1("United States of America", asked("United States of America")) == 1.0
    assert span.f1("United States of America", asked()) == pytest.approx(2 / 3)
    assert span.f1(None, asked("USA")) == 0.0
