"""Each benchmark on the bundled data: what is read, and what is shown."""

import importlib
import random
from collections import Counter
from typing import get_args

import pytest
import yaml

from stages.benchmarks.truthfulqa import shuffled
from stages.core.errors import InputError
from stages.corpora.roots import Fields, Source
from stages.records.question import Normalisation
from tests.import_graph import ROOT

NAMES = [*yaml.safe_load((ROOT / "params.yaml").read_text())["run"]["benchmarks"], "open_ended"]


@pytest.fixture(params=NAMES)
def benchmark(request, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(f"stages.benchmarks.{request.param}")
    return module, list(module.questions(Source("bundled"), random.Random(1)))


def test_questions_are_whole_and_the_prompt_does_not_tell_the_answer_key(benchmark):
    module, questions = benchmark
    assert len({question.id for question in questions}) == len(questions) > 50
    for question in questions:
        shown = module.show(question)
        assert question.question.strip() in shown
        assert all(choice in shown for choice in question.choices if module.ANSWER_KIND == "choice")
        if module.ANSWER_KIND == "choice":
            assert "A" <= question.answer <= "ABCDEFGHIJKLM"[len(question.choices) - 1]
        if module.ANSWER_KIND == "yes_no":
            assert question.answer in question.choices == ["yes", "no"]


def test_choices_have_a_form_that_does_not_show_them_and_a_normalisation(benchmark):
    module, questions = benchmark
    if module.ANSWER_KIND not in {"choice", "yes_no"}:
        assert not hasattr(module, "NORMALISATION")
        return
    assert module.NORMALISATION in get_args(Normalisation)
    assert module.TRIGGER == "Answer:"
    for question in questions:
        plain = module.show_plain(question)
        assert plain == question.question
        assert "End with a line" not in plain


def test_shots_are_worked_out_to_an_answer_line(benchmark):
    _, questions = benchmark
    for shot in (question for question in questions if question.use == "shot"):
        assert shot.worked is None or shot.worked.endswith(f"Answer: {shot.answer}")


def test_the_letter_follows_the_right_choice_through_the_shuffle():
    rng = random.Random(3)
    letters = Counter()
    for _ in range(400):
        choices, letter = shuffled(["right", "w", "x", "y"], 0, rng)
        assert choices["ABCD".index(letter)] == "right"
        letters[letter] += 1
    assert min(letters.values()) > 70


@pytest.mark.parametrize(
    ("place", "places"), [(4, range(4)), (-1, range(4)), ("E", ["A", "B"]), ("", []), (None, range(2))]
)
def test_a_right_answer_that_is_none_of_the_choices_names_its_row(place, places):
    with pytest.raises(InputError, match=r"mmlu/test row 7: the right answer is .*, expected one of the choices"):
        Fields({}, "mmlu/test row 7").letter_of(place, places)


def test_the_letter_is_that_of_the_place():
    assert Fields({}, "").letter_of("C", ["A", "B", "C"]) == Fields({}, "").letter_of(2, range(4)) == "C"
