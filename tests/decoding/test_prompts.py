"""How questions become prompts, and which of them are asked in which way."""

import pytest
from transformers import AutoTokenizer

from stages.benchmarks import commonsenseqa, gsm8k, mmlu, strategyqa
from stages.decoding.parameters import Asking, Decoding
from stages.decoding.prompts import Job, prepare, warn_of_missing_shots
from stages.records.question import Question

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
