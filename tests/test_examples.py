"""Figure 1's questions and answers, with models of random weights."""

import shutil
import sys

import pytest
import yaml

from stages import examples
from stages.core.errors import InputError
from stages.records.example import Example
from stages.records.files import read_jsonl, write_json, write_jsonl
from stages.records.question import Question
from stages.records.systems import Plan, System
from stages.tools import ask
from tests.import_graph import ROOT

BOTH = [System(model="tiny", arm=arm, seed=seed) for arm in ("standard", "role") for seed in (1, 2)]
COLUMNS = ["standard", "standard.manual", "role"]
NAMES = {"corpus": "bundled", "annotator": "recorded", "judge": "local", "data": "bundled", "scale": "mini"}


@pytest.fixture
def repository(tmp_path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["examples", "--scale", "mini"])
    scale = {
        "generate": {"decoding": {"dtype": "float32", "batch_tokens": 4096}},
        "preference": {"decoding": {"max_new_tokens": 8, "sampling": {"temperature": 0.7, "top_p": 0.9}}},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"seed": 17, "scales": {"mini": scale}}))
    for name in ("mmlu", "gsm8k", "strategyqa", "open_ended"):
        choices = ["1", "2", "3", "4"] if name == "mmlu" else []
        questions = [
            Question(id=f"{name}-{number}", use=use, question="What is 1 + 1?", choices=choices, answer="B")
            for number, use in enumerate(("shot", "test", "test"))
        ]
        write_jsonl(tmp_path / f"data/questions/{name}.jsonl", questions)
    shutil.copytree(ROOT / "data/bundled", tmp_path / "data/bundled", ignore=lambda folder, _: {"cais", "GAIR"})
    for system in BOTH:
        if system.seed == 1:
            shutil.copytree(tiny, tmp_path / "data/models" / system.name)
    return tmp_path


def run(repository, systems=BOTH, benchmarks=("mmlu", "gsm8k")):
    plan = Plan(systems=list(systems), benchmarks=list(benchmarks), **NAMES)
    write_json(repository / "data/plan.json", plan.model_dump())
    examples.main()
    return read_jsonl(repository / "data/examples.jsonl", Example)


def test_the_first_test_question_of_each_has_all_three_columns(repository):
    found = run(repository)
    assert [(each.variant, each.id) for each in found] == [
        (variant, f"{name}-1") for variant in COLUMNS for name in ("mmlu", "gsm8k", "open_ended")
    ]
    by_hand = [each.manual_role for each in found if each.variant == "standard.manual"]
    assert all(role.startswith("From now on, you are") for role in by_hand)
    assert len(set(by_hand)) == 3
    assert all(each.manual_role is None for each in found if each.variant != "standard.manual")
    assert all(each.answer for each in found)


def test_the_same_run_gives_the_same_bytes(repository):
    run(repository)
    before = (repository / "data/examples.jsonl").read_bytes()
    run(repository)
    assert (repository / "data/examples.jsonl").read_bytes() == before


def test_where_a_benchmark_was_not_run_the_next_takes_its_place(repository):
    assert [each.benchmark for each in run(repository, benchmarks=["strategyqa", "mmlu"])][:3] == [
        "mmlu", "strategyqa", "open_ended",
    ]  # fmt: skip


def test_without_an_arm_the_others_are_there(repository):
    controls = [BOTH[0], System(model="tiny", arm="shuffled", seed=1)]
    assert {each.variant for each in run(repository, controls)} == {"standard", "standard.manual"}


def test_any_question_can_be_asked(repository, monkeypatch, capsys):
    run(repository, BOTH[::2])
    role = "From now on, you are a chemist."
    monkeypatch.setattr(sys, "argv", ["ask", "Why is rust red?", "--role", role, "--max-new-tokens", "3"])
    ask.main()
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("==")] == [
        "== tiny-standard-1", "== tiny-standard-1, with a role by hand", "== tiny-role-1",
    ]  # fmt: skip


def test_a_benchmark_without_a_test_question_is_named(repository):
    path = repository / "data/questions/gsm8k.jsonl"
    write_jsonl(path, [each for each in read_jsonl(path, Question) if each.use == "shot"])
    with pytest.raises(InputError, match=r"gsm8k\.jsonl holds no test question"):
        examples.first_question("gsm8k")
