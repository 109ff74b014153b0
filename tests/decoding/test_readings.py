"""The readings of multiple choice, made by a small model, against whole passes of the library's own."""

import random

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages.benchmarks import commonsenseqa, mmlu, strategyqa
from stages.chat import self_prompt
from stages.chat.rendering import tokenize
from stages.decoding.answering import answer
from stages.decoding.parameters import Asking, Decoding
from stages.decoding.prompts import Job
from stages.records.question import Question
from tests.import_graph import ROOT

ALL = ("cloze", "letter", "written")
WORDS = ["ash", "elm", "fir", "oak", "an old yew", "moss"]


def questions(count=6, kind="choice"):
    rng = random.Random(4)
    choices = [["yes", "no"] if kind == "yes_no" else rng.sample(WORDS, 4) for _ in range(count)]
    answers = {"choice": "A", "yes_no": "yes"}
    return [
        Question(id=f"q-{n}", group="anatomy", question="Which?" * (n + 1), choices=some, answer=answers[kind])
        for n, some in enumerate(choices)
    ]


@pytest.fixture(scope="module")
def library(tiny):
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny)

    def loglikelihood(before, text):
        """By a whole pass over the whole text, whose ids are its bytes."""
        begun, ids = tokenize(tokenizer, before), tokenize(tokenizer, before + text)
        logprobs = model(torch.tensor([ids])).logits[0].detach().log_softmax(-1)
        return sum(float(logprobs[place - 1, ids[place]]) for place in range(len(begun), len(ids)))

    return loglikelihood


@pytest.fixture
def answered(tiny, tmp_path, monkeypatch):
    """A function that answers some questions."""
    monkeypatch.chdir(ROOT)

    def run(benchmark=mmlu, readings=ALL, condition=None, asked=None, own_roles=None, restates=False, **limits):
        name = benchmark.__name__.rpartition(".")[2]
        asking = Asking(**{"max_new_tokens": 24, "role_tokens": 12} | limits)
        decoding = Decoding(dtype="float32", batch_tokens=512, threads=1)
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        job = Job(tiny, name, benchmark, readings, condition, asking, decoding, 17, folder, restates)
        return answer(job, asked or questions(), own_roles)

    return run


@pytest.fixture
def opening(answered, monkeypatch):
    """The model writes role prompts: whatever it writes first to the first question, shown in full, opens one."""
    first = answered(readings=("written",), asked=questions(1))[0].output[0]
    monkeypatch.setattr(self_prompt, "OPENING", first)
    return first


def assert_likelihoods(reading, choices, library):
    expected = [library(reading.prompt, f" {choice}") for choice in choices]
    assert reading.logprobs == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("condition", [None, "stripped", "generic", "random", "oracle", "manual", "cot"])
def test_likelihoods_are_those_of_the_choices_at_the_head_of_the_turn(answered, library, opening, condition):
    roles = [f"{opening} {n}." for n in range(6)] if condition == "random" else None
    for generation, question in zip(answered(condition=condition, own_roles=roles), questions(), strict=True):
        assert_likelihoods(generation.letter, "ABCD", library)
        assert_likelihoods(generation.cloze, question.choices, library)
        assert question.choices[0] in generation.letter.prompt
        assert "### Answer:" in generation.cloze.prompt
        assert f"A. {question.choices[0]}" not in generation.cloze.prompt
        for reading in (generation.letter, generation.cloze):
            head = reading.prompt.rpartition("### Answer:\n")[2]
            assert head.endswith("Answer:")
            assert head == (f"{reading.role}\n\nAnswer:" if reading.role else head)
            assert condition != "stripped" or head == "Answer:"


def test_an_arm_that_restates_is_read_after_the_restatement_and_writes_it_itself(answered, library):
    plain = answered()
    for generation, other, question in zip(answered(restates=True), plain, questions(), strict=True):
        assert_likelihoods(generation.letter, "ABCD", library)
        assert_likelihoods(generation.cloze, question.choices, library)
        assert (generation.prompt, generation.output, generation.role) == (other.prompt, other.output, None)
        for reading, plainly in ((generation.letter, other.letter), (generation.cloze, other.cloze)):
            head = reading.prompt.removeprefix(plainly.prompt.removesuffix("Answer:"))
            assert head == f"{self_prompt.first_sentence(question.question)}\n\nAnswer:"


def test_letters_come_directly_after_the_role_prompt_and_never_after_a_whole_answer(answered, opening):
    generations = answered()
    assert any(generation.letter.role for generation in generations)
    for generation in generations:
        head = generation.letter.prompt.removeprefix(generation.prompt)
        assert head == (f"{generation.letter.role}\n\n" if generation.letter.role else "") + "Answer:"


def test_a_reading_that_is_added_changes_no_other_and_the_role_of_letter_is_that_of_the_written_answer(
    answered, opening
):
    whole = answered()
    for readings in (("letter",), ("cloze",), ("written",), ("letter", "cloze")):
        for every, some in zip(whole, answered(readings=readings), strict=True):
            assert (some.letter is None) == ("letter" not in readings)
            for name in readings:
                if name == "written":
                    assert (some.output, some.output_tokens) == (every.output, every.output_tokens)
                else:
                    one, other = getattr(some, name), getattr(every, name)
                    assert (one.prompt, one.role) == (other.prompt, other.role)
                    assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)


def test_the_first_questions_alone_get_a_written_answer_where_that_is_limited(answered):
    generations = answered(written=2)
    assert [generation.output is not None for generation in generations] == [True, True, False, False, False, False]
    assert [generation.finished is not None for generation in generations] == [True] * 2 + [False] * 4
    assert all(generation.letter and generation.cloze for generation in generations)
    assert all(generation.output_tokens == 0 for generation in generations[2:])


def test_the_role_is_of_the_written_answer_else_of_letter_else_of_cloze(answered, opening):
    first, *_, last = answered(written=1)
    assert first.role is not None
    assert last.role == last.letter.role
    (only, *_) = answered(readings=("cloze",))
    assert only.role == only.cloze.role


def test_choices_are_set_against_their_likelihood_after_the_trigger_alone(answered, library):
    for generation, question in zip(answered(benchmark=commonsenseqa), questions(), strict=True):
        expected = [library("Answer:", f" {choice}") for choice in question.choices]
        assert generation.cloze.unconditional == pytest.approx(expected, abs=1e-4)
        assert generation.letter.unconditional is None
    assert all(generation.cloze.unconditional is None for generation in answered())


def test_yes_and_no_have_likelihoods_in_both_readings(answered, library):
    asked = questions(kind="yes_no")
    for generation in answered(benchmark=strategyqa, asked=asked):
        for reading in (generation.letter, generation.cloze):
            assert_likelihoods(reading, ["yes", "no"], library)
        assert 'End with a line "Answer: yes"' not in generation.cloze.prompt


def test_an_answer_ends_where_it_invents_the_next_question(answered, monkeypatch):
    begins = answered(readings=("written",))[0].output[0]
    monkeypatch.setattr("stages.decoding.prompts.next_question", lambda tokenizer: f"\n{begins}")
    generation = answered(readings=("written",))[0]
    assert (generation.output, generation.output_tokens, generation.finished) == ("", 0, True)
