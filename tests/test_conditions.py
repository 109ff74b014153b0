"""What is asked under each condition, followed from the question to what the model is shown."""

import json
import random
import sys

import pytest
import yaml
from transformers import AutoTokenizer

import stages.generate
from stages.benchmarks import gsm8k, mmlu
from stages.chat import self_prompt
from stages.decoding import conditions
from stages.decoding.parameters import Asking, Decoding
from stages.decoding.prompts import Job, prepare
from stages.records import files
from stages.records.question import Question
from stages.records.results import Generation
from tests.import_graph import ROOT
from tests.servers.support import COMMAND, QUESTIONS, stage_folder

ROLES = json.loads((ROOT / "data/bundled/manual_roles.json").read_text())
ANATOMY = Question(id="m-1", group="anatomy", question="Which?", choices=["ash", "elm"], answer="A")
SUM = Question(id="g-1", question="How much is 1 + 1?", answer="2")
RANDOM = ("--arm", "role", "--seed", "1", "--condition", "random")
ALL = [condition for of_arm in conditions.CONDITIONS.values() for condition in of_arm]


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return AutoTokenizer.from_pretrained(tiny)


@pytest.fixture
def put(tokenizer, tiny, monkeypatch):
    """A function that gives the item which one question becomes under a condition."""
    monkeypatch.chdir(ROOT)

    def one(condition, benchmark, question, roles=None, reading="written"):
        name = benchmark.__name__.rpartition(".")[2]
        asking, decoding = Asking(max_new_tokens=8, role_tokens=8), Decoding(dtype="float32", batch_tokens=256)
        job = Job(tiny, name, benchmark, ["cloze", "letter", "written"], condition, asking, decoding, 17, tiny)
        others = [question.model_copy(update={"id": f"other-{n}"}) for n in range(2)]
        return prepare(job, [question, *others], roles, tokenizer, reading)[0]

    return one


@pytest.mark.parametrize("condition", [None, *ALL])
def test_the_model_is_shown_the_question_and_then_what_the_condition_begins(put, tokenizer, condition):
    item = put(condition, mmlu, ANATOMY, [f"{self_prompt.OPENING} {n}." for n in range(3)])
    assert mmlu.show(ANATOMY) in item.text
    assert item.text.endswith(item.put.prefix)
    assert tokenizer.decode(item.prompt.ids) == item.text
    assert bool(item.put.prefix) == (condition in {"random", "generic", "oracle", "cot"})
    assert bool(item.prompt.not_first) == (condition == "stripped")


@pytest.mark.parametrize("condition", [None, *ALL])
@pytest.mark.parametrize("reading", ["cloze", "letter"])
def test_the_choices_follow_the_head_that_the_condition_begins(put, condition, reading):
    item = put(condition, mmlu, ANATOMY, [f"{self_prompt.OPENING} {n}." for n in range(3)], reading)
    head = item.before_choices(None, "Answer:").removeprefix(item.shown)
    assert head == f"{item.put.prefix}Answer:"
    assert bool(item.put.prefix) == (condition in {"random", "generic", "oracle", "cot"})
    assert item.writes_role == (condition in {None, "manual"})
    assert ("A. ash" in item.shown) == (reading == "letter")
    own = f"{self_prompt.OPENING} a cook."
    with_role = item.before_choices(own, "Answer:").removeprefix(item.shown)
    assert with_role == (head if item.put.prefix else f"{own}\n\nAnswer:")


@pytest.mark.parametrize(("benchmark", "question", "key"), [(mmlu, ANATOMY, "mmlu/anatomy"), (gsm8k, SUM, "gsm8k")])
def test_the_hand_written_role_fits_the_subject_or_the_benchmark(put, benchmark, question, key):
    assert put("oracle", benchmark, question).put.prefix == f"{ROLES[key]}\n\n"
    assert put("manual", benchmark, question).put.message == f"{ROLES[key]}\n\n{benchmark.show(question)}"


def test_a_role_is_written_by_hand_for_every_benchmark_and_every_subject_of_mmlu():
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text())
    subjects = [subject for domain in parameters["mmlu_domains"].values() for subject in domain]
    assert set(ROLES) == {*parameters["run"]["benchmarks"], "open_ended", *(f"mmlu/{subject}" for subject in subjects)}


def test_the_first_token_that_stripped_forbids_opens_a_role_prompt(put, tokenizer):
    forbidden = {tokenizer.decode([token]) for token in put("stripped", gsm8k, SUM).prompt.not_first}
    assert forbidden
    assert all("From".startswith(token.strip()) for token in forbidden)


@pytest.mark.parametrize("seed", range(20))
def test_a_random_role_is_always_another_questions(seed):
    roles = ["a", "b", None, "c", "d", None]
    given = conditions.other_roles(roles, random.Random(seed))
    assert all(role in set("abcd") and role != own for role, own in zip(given, roles, strict=True))
    assert sorted(role for role, own in zip(given, roles, strict=True) if own) == list("abcd")


def test_without_two_roles_a_random_one_is_generic(put):
    item = put("random", gsm8k, SUM, [None, f"{self_prompt.OPENING} a cook.", None])
    assert item.put.prefix == f"{conditions.GENERIC}\n\n"


def test_the_stage_gives_each_question_the_role_that_the_same_weights_wrote_for_another(tiny, tmp_path, monkeypatch):
    folder = stage_folder(tmp_path, tiny)
    own = [
        Generation(id=question.id, role=f"{self_prompt.OPENING} {n}.")
        for n, question in enumerate(QUESTIONS["strategyqa"])
    ]
    files.write_jsonl(folder / "data/generations/tiny-role-1/strategyqa.jsonl", own)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [*COMMAND[2:], "--benchmark", "strategyqa", *RANDOM])
    stages.generate.main()
    written = files.read_jsonl(folder / "data/generations/tiny-role.random-1/strategyqa.jsonl", Generation)
    assert [answer.id for answer in written] == [answer.id for answer in own]
    for answer, plain in zip(written, own, strict=True):
        assert answer.role in {other.role for other in own} - {plain.role}
        assert answer.output.startswith(f"{answer.role}\n\n")
        assert not answer.prompt.endswith("\n\n")
        assert answer.letter.role == answer.cloze.role == answer.role
        assert answer.cloze.prompt.endswith(f"{answer.role}\n\nAnswer:")
