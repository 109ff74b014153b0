"""First sentences of prompts as people write them."""

import json
import re

import pytest

from stages.chat.self_prompt import first_sentence
from tests.import_graph import ROOT


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("What is moss? And lichen?", "What is moss?"),
        ("What is moss", "What is moss"),
        ("  What is moss?\nI have some.", "What is moss?"),
        ("Rewrite this:\n\nIt rains.", "Rewrite this:"),
        ("How does the U.S. Senate vote? Briefly.", "How does the U.S. Senate vote?"),
        ("I live in the U.S. What is a W-2?", "I live in the U.S."),
        ("Who was Dr. King? Tell me.", "Who was Dr. King?"),
        ("You are Prof. J. R. R. Tolkien of Oxford. You write.", "You are Prof. J. R. R. Tolkien of Oxford."),
        ("You hold a Ph.D. in law. You teach.", "You hold a Ph.D. in law."),
        ("Meet me at 5 p.m. Is that fine?", "Meet me at 5 p.m."),
        ("Use tools, e.g. Git, daily. Then rest.", "Use tools, e.g. Git, daily."),
        ("It costs 3.50 in Node.js 18.2. Why?", "It costs 3.50 in Node.js 18.2."),
        ("See No. 5 first. Then No. 6.", "See No. 5 first."),
        ("No. It is not.", "No."),
        ('He said "Stop!" and left. Why?', 'He said "Stop!" and left.'),
        ('He said "Stop." Then he left.', 'He said "Stop."'),
        ("Wait... what is it? Say.", "Wait... what is it?"),
        ("what is it? i forgot", "what is it?"),
        ("1. What is moss? 2. What is fern?", "1. What is moss?"),
        ("So am I. What now?", "So am I."),
        ("Is 王 a name? Yes.", "Is 王 a name?"),
        ("", ""),
    ],
)
def test_first_sentence(text, first):
    assert first_sentence(text) == first


@pytest.mark.parametrize("corpus", ["bundled", "lima"])
def test_recorded_role_prompts_end_at_a_sentence(corpus):
    """What is cut off is a sentence too: it opens with a capital, and both end with a mark."""
    lines = (ROOT / f"data/annotations/{corpus}.jsonl").read_text(encoding="utf-8").splitlines()
    for role in (json.loads(line)["role"] for line in lines):
        first = first_sentence(role)
        rest = role.removeprefix(first)
        assert first[-1] in '.!?"'
        assert len(first.split()) > 7, role
        assert rest == "" or re.match(r"\s*[\"'\u201c\u2018]?[A-Z0-9]", rest), role
