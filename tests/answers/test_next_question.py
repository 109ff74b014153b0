"""A base model goes on with another question once it has answered: its answer is the first."""

import pytest

from stages.answers import choice, number, span, yes_no
from stages.records.question import Question

EGGS = Question(id="1", question="How many eggs has Ana in all of her boxes?", answer="2660")
LOUVRE = Question(id="2", question="Where is the Louvre?", choices=["London", "Paris", "Rome"], answer="B")
SLOTH = Question(id="3", question="Could a sloth outrun a cheetah?", choices=["yes", "no"], answer="no")
MUSEUM = Question(id="4", question="Where is the Louvre?", answer="Paris")

HEADERS = [
    "\n\n### Question: How many hens?\n\n",
    "\n\nQuestion: How many hens?\n",
    "\nQ: How many hens?\n",
    "\n\nUser: How many hens?\n\n",
    "\n\n**Question 2:** How many hens?\n",
    "\n\nHuman: And the hens?\n\n",
    "\n\n### Question\nHow many hens?\n\n",
    "\n\n### Instruction:\nCount the hens.\n\n### Response:\n",
    "\n\nNext question: How many hens?\n",
]


@pytest.mark.parametrize("header", HEADERS)
def test_the_answer_before_an_invented_question_counts(header):
    assert number.read(f"Answer: 2660{header}Answer: 25", EGGS).value == "2660"
    assert number.read(f"The answer is 2660.{header}Answer: 25", EGGS).value == "2660"
    assert choice.read(f"Answer: B{header}Answer: A", LOUVRE).value == "B"
    assert yes_no.read(f"Answer: no{header}Answer: yes", SLOTH).value == "no"
    assert span.read(f"Answer: Paris{header}Answer: Rome", MUSEUM).value == "Paris"


@pytest.mark.parametrize("header", [header for header in HEADERS if header.startswith("\n\n")])
def test_a_new_paragraph_asks_another_question_even_before_an_answer_in_the_form_asked_for(header):
    assert number.read(f"2660{header}Answer: 25", EGGS).value == "2660"
    assert choice.read(f"B. Paris{header}Answer: A", LOUVRE).value == "B"
    assert yes_no.read(f"No, it is slow.{header}Answer: yes", SLOTH).value == "no"
    assert span.read(f"Paris{header}Answer: Rome", MUSEUM).value == "Paris"


@pytest.mark.parametrize("header", HEADERS[:6])
def test_an_invented_question_s_answer_does_not_answer_the_one_that_was_asked(header):
    assert choice.read(f"I do not know.\n\n{header.strip()}\nAnswer: A", LOUVRE).value is None
    assert number.read(f"I do not know.\n\n{header.strip()}\nAnswer: 25", EGGS).value is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Question: How many eggs has Ana in all of her boxes?\nAnswer: 2660", "2660"),
        ("Let us see.\n\nQuestion: How many eggs has Ana in all of her boxes?\n\nAnswer: 2660", "2660"),
        ("Let us see.\n\n**Question:**\nHow many eggs has Ana?\n\nAnswer: 2660", "2660"),
        ("Q: How many? A: Let us see.\nAnswer: 2660", "2660"),
        ("Answer: 12\nI forgot a box.\nAnswer: 2660", "2660"),
        ("Answer:\n\n2660\n\nQuestion: How many hens?\nAnswer: 25", "2660"),
        ("The question: 12 boxes or 13?\nAnswer: 2660", "2660"),
    ],
)
def test_the_question_itself_repeated_is_no_other_question(text, value):
    assert number.read(text, EGGS).value == value


@pytest.mark.parametrize("name", ["Human", "User", "Q: The Winged Serpent", "Question"])
def test_an_answer_that_looks_like_a_header_is_an_answer(name):
    assert span.read(name, MUSEUM).value == name
    assert span.read(f"Answer: {name}", MUSEUM).value == name
    assert span.read(f"Answer:\n{name}", MUSEUM).value == name


def test_an_empty_answer_before_an_invented_question_is_not_read():
    assert span.read("Answer:\n\nQ: Who wrote it?\nAnswer: Gogol", MUSEUM).value is None
