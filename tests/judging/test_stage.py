"""The stage as it is run, with a model of random weights as its judge."""

import sys

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages import judge
from stages.base_models.loading import random_model
from stages.base_models.preset import RandomModel
from stages.core.errors import InputError
from stages.judging.asking import instruction
from stages.records.files import read_json, read_jsonl, write_json, write_jsonl
from stages.records.question import Question
from stages.records.results import Judgement
from stages.records.systems import Plan, System
from tests.chat_models.server import Reaction, Server, completion
from tests.judging.samples import write_answers

TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
LOCAL = {"kind": "local", "max_new_tokens": 4, "batch_size": 4}
SYSTEMS = [System(model="tiny", arm=arm, seed=1) for arm in ("standard", "role")]


def save_random_model(folder):
    preset = RandomModel(
        source="random", origin="", license="", dtype="float32", hidden_size=16, layers=1, heads=2, key_value_heads=1
    )
    model, tokenizer = random_model(preset, seed=1)
    tokenizer.chat_template = TEMPLATE
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A pipeline that has come as far as the stage."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["judge", "--judge", "local", "--scale", "mini"])
    write_parameters(tmp_path, LOCAL)
    write_plan(tmp_path, SYSTEMS)
    questions = [Question(id=f"open_ended-{number}", question=f"Why {number}?", answer="") for number in range(3)]
    write_jsonl(tmp_path / "data/questions/open_ended.jsonl", questions)
    for system in SYSTEMS:
        answers = {question.id: f"Because of {system.variant}. " * 3 for question in questions}
        write_answers(tmp_path / "data/generations", system, answers)
    return tmp_path


def write_parameters(folder, preset, judging=None):
    judging = judging or {"prompts": None, "answer_words": 5}
    content = {"judges": {"local": preset}, "scales": {"mini": {"preference": {"judging": judging}}}}
    (folder / "params.yaml").write_text(yaml.safe_dump(content))


def write_plan(folder, systems, rivals=()):
    chosen = {"corpus": "bundled", "annotator": "recorded", "judge": "local", "data": "bundled", "scale": "mini"}
    write_json(
        folder / "data/plan.json", Plan(systems=systems, rivals=list(rivals), benchmarks=[], **chosen).model_dump()
    )


def judgements(repository):
    return read_jsonl(repository / "data/judgements.jsonl", Judgement)


def test_the_base_model_judges_its_own_offspring(repository):
    save_random_model(repository / "data/base/tiny")
    judge.main()
    found = judgements(repository)
    assert [(each.id, each.first) for each in found] == [
        (f"open_ended-{number}", first) for number in range(3) for first in ("role", "standard")
    ]
    assert {each.judge for each in found} == {"tiny itself, before fine-tuning"}
    assert all((each.first_words, each.first_words_shown) == (9, 5) for each in found)
    assert all(each.reply in {"A", "B"} and each.log_odds for each in found)
    assert all((each.verdict == each.first) == (each.log_odds > 0) for each in found)
    assert read_json(repository / "metrics/judge.json")["requests"] == 6
    before = (repository / "data/judgements.jsonl").read_bytes()
    judge.main()
    assert (repository / "data/judgements.jsonl").read_bytes() == before


def test_log_odds_are_those_of_the_letters_at_the_head_of_the_reply(repository):
    save_random_model(repository / "data/base/tiny")
    judge.main()
    model = AutoModelForCausalLM.from_pretrained(repository / "data/base/tiny", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(repository / "data/base/tiny")
    shown = instruction().format(
        request="Why 0?", first="Because of role. Because of […]", second="Because of standard. Because of […]"
    )
    logits = model(torch.tensor([tokenizer(shown, add_special_tokens=False)["input_ids"]])).logits[0, -1].detach()
    a, b = (tokenizer(letter, add_special_tokens=False)["input_ids"] for letter in "AB")
    assert judgements(repository)[0].log_odds == pytest.approx(float(logits[a] - logits[b]), abs=1e-4)


def test_a_request_beyond_the_judges_context_has_no_verdict(repository):
    save_random_model(repository / "data/base/tiny")
    write_parameters(repository, LOCAL, {"prompts": None, "answer_words": None})
    for system in SYSTEMS:
        answers = {f"open_ended-{number}": "Because. " * (900 if number == 1 else 3) for number in range(3)}
        write_answers(repository / "data/generations", system, answers)
    judge.main()
    assert [each.log_odds is None for each in judgements(repository)] == [False, False, True, True, False, False]
    assert [each.failure for each in judgements(repository)][2] == "prompt too long"
    assert judgements(repository)[2].verdict is None


def test_without_a_pair_no_judge_is_needed(repository):
    write_plan(repository, SYSTEMS[:1])
    judge.main()
    assert judgements(repository) == []


def test_rivals_are_judged_beside_the_systems(repository):
    save_random_model(repository / "data/base/tiny")
    rivals = [System(model="tiny", rival="official"), System(model="gpt", rival="chat")]
    write_plan(repository, SYSTEMS, rivals)
    for rival in rivals:
        write_answers(repository / "data/generations", rival, {f"open_ended-{number}": "It is." for number in range(3)})
    judge.main()
    assert [each.second for each in judgements(repository)[::6]] == ["standard", "official", "gpt"]


def test_systems_that_are_no_longer_planned_are_not_judged(repository):
    save_random_model(repository / "data/base/tiny")
    write_answers(repository / "data/generations", System(model="tiny"), {"open_ended-0": "x"})
    write_parameters(repository, LOCAL, {"prompts": 1, "answer_words": None})
    judge.main()
    assert {each.second for each in judgements(repository)} == {"role", "standard"}


def test_an_absent_base_model_is_named(repository):
    with pytest.raises(InputError, match=r"data/base/tiny holds no model, and it is the judge of tiny"):
        judge.main()


def test_a_served_judge_is_paid_once_and_named_as_the_server_names_itself(repository, monkeypatch, capsys):
    monkeypatch.setenv("REQUEST_CACHE", str(repository / "cache"))

    def prefers_the_role_arm(asked):
        text = asked.body["messages"][0]["content"]
        return Reaction(body=completion("A" if "Because of role" in text.split("<answer B>")[0] else "Answer B wins"))

    with Server(prefers_the_role_arm) as server:
        preset = {"kind": "openai", "model": "tester", "base_url": server.url, "key_variable": None}
        preset["prices"] = {"input": 2.0, "output": 4.0}
        write_parameters(repository, preset)
        judge.main()
        asked = len(server.log)
        judge.main()
        assert len(server.log) == asked
        monkeypatch.setattr(sys, "argv", [*sys.argv, "--dry-run"])
        judge.main()
    found = judgements(repository)
    assert {each.verdict for each in found} == {"role"}
    assert {each.judge for each in found} == {"tester-2026-01-01"}
    bill = read_json(repository / "metrics/judge.json")
    assert (bill["requests"], bill["prompt_tokens"], bill["completion_tokens"]) == (6, 600, 300)
    assert bill["cost"] == pytest.approx((600 * 2 + 300 * 4) / 1e6)
    assert "tester: requests: 6, of which 6 cached and 0 missing" in capsys.readouterr().out


def test_recorded_answers_cannot_judge(repository):
    write_parameters(repository, {"kind": "recorded"})
    with pytest.raises(InputError, match="recorded"):
        judge.main()


def test_a_misspelt_parameter_is_named(repository):
    write_parameters(repository, LOCAL, {"prompt": 3})
    with pytest.raises(InputError, match=r"scales\.mini\.preference\.judging\.prompt: .*prompts, answer_words"):
        judge.main()
