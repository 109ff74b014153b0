"""How questions become prompts, and which of them are asked in which way."""

import dataclasses

import pytest
from transformers import AutoTokenizer

from stages.benchmarks import commonsenseqa, gsm8k, mmlu, strategyqa
from stages.chat.rendering import render
from stages.decoding.context import continuations
from stages.decoding.parameters import Asking, Decoding
from stages.decoding.prompts import Job, prepare, reading_of, warn_of_missing_shots
from stages.records.question import Question
from tests.decoding.kinds import KINDS
from tests.decoding.kinds import tokenizer as of_kind
from tests.import_graph import ROOT

DECODING = Decoding(dtype="float32", batch_tokens=256)


def job_of(tmp_path, benchmark, readings=("cloze", "letter", "written"), **asking):
    name = benchmark.__name__.rpartition(".")[2]
    limits = {"max_new_tokens": 8, "role_tokens": 8} | asking
    return Job(tmp_path, name, benchmark, readings, None, Asking(**limits), DECODING, 17, tmp_path)


SHOTS = [Question(id=f"s-{n}", use="shot", group="moss", question="Which?", answer="A") for n in range(2)]
TESTS = [Question(id=f"t-{n}", group=("moss", "fern")[n % 2], question="Which?", answer="A") for n in range(4)]


@pytest.mark.parametrize(
    ("shots", "limit", "told"),
    [
        (0, None, None),
        (2, 1, None),
        (5, 1, "shots is 5, and 1 of 1 questions have fewer worked examples of their group, some only 2"),
        (1, None, "shots is 1, and 2 of 4 questions have fewer worked examples of their group, some only 0"),
    ],
)
def test_fewer_worked_examples_than_asked_for_are_told_once(tmp_path, caplog, shots, limit, told):
    warn_of_missing_shots(job_of(tmp_path, mmlu, limit=limit, shots=shots), [*TESTS, *SHOTS])
    if told is None:
        assert not caplog.records
    else:
        (record,) = caplog.records
        assert told in record.getMessage()
        assert "generate.benchmarks.mmlu.shots" in record.getMessage()


ROCK = Question(id="r", group="moss", question="Which is a rock?", choices=["granite", "an oak"], answer="A")
SHOT = Question(id="s", use="shot", group="moss", question="Which is a tree?", choices=["slate", "an elm"], answer="B")


def test_cloze_shows_no_choices_and_its_worked_examples_answer_in_words(tiny, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    job = job_of(tmp_path, mmlu, shots=1)
    (cloze,), (letter,) = (prepare(job, [ROCK, SHOT], None, tokenizer, reading) for reading in ("cloze", "letter"))
    assert "granite" not in cloze.text
    assert cloze.text.count("### Question:\nWhich is a rock?\n\n### Answer:\n") == 1
    assert "Which is a tree?\n\n### Answer:\nAnswer: an elm" in cloze.text
    assert "A. granite\nB. an oak" in letter.text
    assert "Answer: B" in letter.text
    assert job.choices(ROCK, "cloze") == [" granite", " an oak"]
    assert job.choices(ROCK, "letter") == [" A", " B"]


def test_yes_and_no_are_named_in_both_readings(tmp_path):
    question = Question(id="y", question="Do hens lay?", choices=["yes", "no"], answer="yes")
    job = job_of(tmp_path, strategyqa)
    assert job.choices(question, "letter") == job.choices(question, "cloze") == [" yes", " no"]


@pytest.mark.parametrize(
    ("benchmark", "readings", "written", "expected"),
    [
        (mmlu, ("cloze",), None, (0, ["cloze"])),
        (mmlu, ("cloze", "written"), 3, (3, ["cloze"])),
        (commonsenseqa, ("written", "letter"), None, (4, ["letter"])),
        (mmlu, ("letter", "cloze", "written"), 9, (4, ["letter", "cloze"])),
        (gsm8k, ("cloze",), 1, (4, [])),
    ],
)
def test_only_questions_with_free_answers_are_always_written(tmp_path, benchmark, readings, written, expected):
    job = job_of(tmp_path, benchmark, readings, written=written)
    assert (job.written(job.tests(TESTS)), job.choice_readings) == expected


@pytest.mark.parametrize("condition", [None, "stripped", "generic", "manual", "cot"])
@pytest.mark.parametrize("kind", KINDS)
def test_control_marks_that_a_question_quotes_are_text(kind, condition, tmp_path, monkeypatch):
    """A question about the end mark must not end its own turn, whatever the turn begins with."""
    monkeypatch.chdir(ROOT)
    tokenizer = of_kind(kind)
    mark, control = tokenizer.eos_token, tokenizer.eos_token_id
    job = dataclasses.replace(job_of(tmp_path, mmlu, shots=1), condition=condition)
    quoting = ROCK.model_copy(update={"question": f"What does {mark} do?", "choices": [f"{mark} ends", "no"]})
    for reading in ("written", "letter", "cloze"):
        (item,), (plain,) = (prepare(job, [one, SHOT], None, tokenizer, reading) for one in (quoting, ROCK))
        assert item.prompt.ids.count(control) == plain.prompt.ids.count(control), "the template's own alone"
        turns = [*turns_of_shot(job, reading), item.put.message, f"{item.put.prefix}The end."]
        assert render(tokenizer, turns, None).ids[: len(item.prompt.ids)] == item.prompt.ids
        before = item.before_choices(f"Say {mark}", "Answer:")
        ids, choices = continuations(tokenizer, before, job.choices(quoting, reading))
        assert (ids + choices[0]).count(control) == plain.prompt.ids.count(control)
        kept = reading_of(item, None, before, [0.0, 0.0], None)
        assert f"What does {mark} do?" in kept.prompt
        assert f"What does {mark} do?" in item.shown
        assert item.text.endswith(item.put.prefix)


def turns_of_shot(job, reading):
    if reading == "cloze":
        return [job.benchmark.show_plain(SHOT), "Answer: an elm"]
    return [job.benchmark.show(SHOT), "Answer: B"]
