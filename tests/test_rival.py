"""The stage as it is run, against a server of OpenAI's API and with a model of random weights."""

import sys

import pytest
import yaml

from stages import rival
from stages.core.errors import InputError
from stages.records.files import read_json, read_jsonl, write_jsonl
from stages.records.question import Question
from stages.records.results import Generation
from tests.chat_models.server import Reaction, Server, completion

OUT = "data/generations/rival-gpt"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["rival", "--rival", "gpt", "--scale", "mini"])
    monkeypatch.setenv("REQUEST_CACHE", str(tmp_path / "cache"))
    questions = [Question(id=f"open_ended-{number}", question=f"Why {number}?", answer="") for number in range(4)]
    write_jsonl(tmp_path / "data/questions/open_ended.jsonl", questions)
    return tmp_path


def write_parameters(folder, preset, limit=None):
    content = {"rivals": {"gpt": preset}, "scales": {"mini": {"preference": {"decoding": {"limit": limit}}}}}
    (folder / "params.yaml").write_text(yaml.safe_dump(content))


def served(url):
    prices = {"input": 10.0, "output": 20.0}
    return {"kind": "openai", "model": "tester", "base_url": url, "key_variable": None, "prices": prices}


def generations(repository):
    return read_jsonl(repository / OUT / "open_ended.jsonl", Generation)


def test_a_served_rival_answers_each_prompt_once_and_is_paid_once(repository):
    with Server(lambda asked: Reaction(body=completion(f"To {asked.body['messages'][0]['content']}"))) as server:
        write_parameters(repository, served(server.url), limit=3)
        rival.main()
        asked = len(server.log)
        bill = (repository / OUT / "requests.json").read_bytes()
        rival.main()
        assert len(server.log) == asked
    assert [(each.id, each.prompt, each.output, each.finished) for each in generations(repository)] == [
        (f"open_ended-{number}", f"Why {number}?", f"To Why {number}?", True) for number in range(3)
    ]
    assert (repository / OUT / "requests.json").read_bytes() == bill
    found = read_json(repository / OUT / "requests.json")
    assert (found["requests"], found["prompt_tokens"], found["completion_tokens"]) == (3, 300, 150)
    assert found["cost"] == pytest.approx((300 * 10 + 150 * 20) / 1e6)
    assert found["models"] == ["tester-2026-01-01"]


def test_a_refusal_and_an_answer_cut_off_stand_as_they_are(repository):
    def reacts(asked):
        if "0" in asked.body["messages"][0]["content"]:
            return Reaction(body=completion(None, refusal="I would rather not."))
        return Reaction(body=completion("Because", finish_reason="length"))

    with Server(reacts) as server:
        write_parameters(repository, served(server.url), limit=2)
        rival.main()
    assert [each.output for each in generations(repository)] == ["I would rather not.", "Because"]
    assert not generations(repository)[1].finished


def test_a_server_that_does_not_answer_is_an_error_and_nothing_is_written(repository):
    with Server(lambda asked: Reaction(status=400, body={"error": {"message": "no"}})) as server:
        write_parameters(repository, served(server.url))
        with pytest.raises(InputError):
            rival.main()
    assert not (repository / OUT).exists()


def test_what_it_would_cost_is_told_before_it_is_paid(repository, monkeypatch, capsys):
    with Server(lambda asked: Reaction(body=completion("yes"))) as server:
        write_parameters(repository, served(server.url))
        monkeypatch.setattr(sys, "argv", [*sys.argv, "--dry-run"])
        rival.main()
        assert [entry for entry in server.log if "completions" in entry.path] == []
    assert "gpt: requests: 4, of which 0 cached and 4 missing" in capsys.readouterr().out


def test_a_model_in_this_process_can_be_a_rival(repository, tiny):
    write_parameters(repository, {"kind": "local", "model": str(tiny), "max_new_tokens": 5}, limit=2)
    rival.main()
    assert [each.output_tokens for each in generations(repository)] == [5, 5]
    assert read_json(repository / OUT / "requests.json")["cost"] == 0.0
