"""Small models repeat themselves: reading what they write must not take longer for it."""

import time

import pytest

from stages.answers import choice, number, span, yes_no
from stages.records.question import Question

READERS = {
    choice: Question(id="1", question="", choices=["red", "green", "10"], answer="A"),
    yes_no: Question(id="1", question="", choices=["yes", "no"], answer="yes"),
    number: Question(id="1", question="", answer="1"),
    span: Question(id="1", question="", answer="red"),
}
PIECES = [
    "answer is ",
    "answer ",
    "Answer: 1 ",
    "one and ",
    "1,000,",
    "1 or ",
    "**",
    "* ",
    "(",
    "$",
    "\\boxed{",
    "=",
    " ",
    "no ",
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__.rpartition(".")[2])
@pytest.mark.parametrize("piece", PIECES)
def test_repetition_is_read_in_little_time(reader, piece):
    started = time.process_time()
    for text in (piece * 2000, f"Answer: {piece * 2000}"):
        reader.read(text, READERS[reader])
    assert time.process_time() - started < 2
