"""Answers through a server against answers in the stage's own process."""

import subprocess
import sys

import pytest

from stages.chat import self_prompt
from stages.core.errors import InputError
from stages.decoding.prompts import Job
from stages.servers.preset import OpenAI
from tests.import_graph import ROOT
from tests.servers.completion_server import Model, serving
from tests.servers.support import generate, stage_folder

SERVED = ("--server", "openai")


@pytest.fixture(scope="module")
def tiny_model(tiny):
    return Model(tiny, "tiny")


@pytest.fixture
def model(tiny_model):
    tiny_model.asked.clear()
    tiny_model.lacks, tiny_model.faults = (), []
    return tiny_model


@pytest.fixture
def url(model):
    with serving(model) as address:
        yield address


@pytest.fixture
def asked(tiny, tmp_path, url, monkeypatch):
    """A function that runs the stage with some values of ``servers.openai`` changed."""
    monkeypatch.setenv("REQUEST_CACHE", str(tmp_path / "cache"))

    def run(benchmark, *more, readings=None, **changes):
        name = f"run-{len(list(tmp_path.iterdir()))}"
        scale = {"readings": readings, "primary": readings[0]} if readings else None
        folder = stage_folder(tmp_path / name, tiny, scale, openai={"base_url": url, "model": "tiny"} | changes)
        return generate(folder, benchmark, *more, monkeypatch=monkeypatch)

    return run


ROLE, STANDARD = ("--arm", "role", "--seed", "1"), ("--arm", "standard", "--seed", "1")


@pytest.mark.parametrize(
    ("benchmark", "system"),
    [
        ("humaneval", ()),
        ("mmlu", ()),
        ("commonsenseqa", ()),
        ("strategyqa", (*STANDARD, "--condition", "cot")),
        ("strategyqa", (*ROLE, "--condition", "generic")),
    ],
)
def test_records_equal_those_of_the_stages_own_process(asked, benchmark, system):
    here, served = asked(benchmark, *system), asked(benchmark, *system, *SERVED)
    assert_equal(here, served)
    assert all((answer.cloze is None) == (benchmark == "humaneval") for answer in served)
    assert all(
        (answer.cloze and answer.cloze.unconditional is None) == (benchmark != "commonsenseqa")
        for answer in served
        if answer.cloze
    )


def assert_equal(here, served):
    for own, other in zip(here, served, strict=True):
        assert other.model_dump(exclude={"letter", "cloze"}) == own.model_dump(exclude={"letter", "cloze"})
        for one, another in ((own.letter, other.letter), (own.cloze, other.cloze)):
            assert (one is None) == (another is None)
            if one:
                assert (another.prompt, another.role) == (one.prompt, one.role)
                assert another.logprobs == pytest.approx(one.logprobs, abs=1e-4)
                assert another.unconditional == (one.unconditional and pytest.approx(one.unconditional, abs=1e-4))


def test_role_prompts_and_what_follows_them_are_the_same(asked, model, monkeypatch):
    opening = asked("mmlu", *ROLE, readings=["written"])[0].output[0]
    monkeypatch.setattr(self_prompt, "OPENING", opening)  # so that the model writes role prompts
    here = asked("mmlu", *ROLE)
    assert any(answer.letter.role for answer in here)
    assert_equal(here, asked("mmlu", *ROLE, *SERVED))
    only = asked("mmlu", *ROLE, *SERVED, readings=["letter"])
    assert [answer.letter.role for answer in only] == [answer.letter.role for answer in here]


def test_a_server_stops_where_an_answer_invents_the_next_question(asked, model, monkeypatch):
    begins = asked("mmlu", readings=["written"])[0].output[1]
    monkeypatch.setattr("stages.decoding.prompts.next_question", lambda tokenizer: f"\n{begins}")
    here = asked("mmlu", readings=["written"])
    assert_equal(here, asked("mmlu", *SERVED, readings=["written"]))
    assert [body["stop"] for body in model.asked] == [[f"\n{begins}"]] * len(here)


def test_an_answer_begun_without_a_role_is_the_same(asked, model, monkeypatch):
    untouched = asked("mmlu", *ROLE)
    monkeypatch.setattr(self_prompt, "OPENING", untouched[0].output[0])  # so that forbidding it changes something
    here = asked("mmlu", *ROLE, "--condition", "stripped")
    assert here[0].output[0] != untouched[0].output[0]
    assert_equal(here, asked("mmlu", *ROLE, "--condition", "stripped", *SERVED))


@pytest.mark.parametrize("lacking", ["logit_bias", "return_token_ids"])
def test_a_server_that_cannot_begin_without_a_role_is_named(asked, model, monkeypatch, lacking):
    monkeypatch.setattr(self_prompt, "OPENING", asked("mmlu", *ROLE)[0].output[0])
    model.lacks = (lacking,)
    with pytest.raises(InputError, match=r"tiny-role-1 under the condition stripped needs .* use run\.server=local"):
        asked("mmlu", *ROLE, "--condition", "stripped", *SERVED)


@pytest.mark.parametrize("changes", [{"prompts": "text", "logprobs": False, "extra": {}}, {"extra": {}}])
def test_a_server_that_tells_no_ids_gives_the_same_text_and_count(asked, changes):
    here, served = (asked("mmlu", *more, readings=["written"], **changes) for more in ((), SERVED))
    assert_equal(here, served)


def test_a_server_without_log_probabilities_is_no_server_for_readings_that_need_them(asked, model):
    with pytest.raises(InputError, match=r"generate\.readings asks for letter and cloze.*set the scale's readings to"):
        asked("mmlu", *SERVED, logprobs=False)
    assert not model.asked


@pytest.mark.parametrize("lacking", [(), ("logprob_token_ids",)])
def test_choices_of_one_token_are_asked_for_by_name_where_the_server_knows_how(asked, model, monkeypatch, lacking):
    monkeypatch.setattr(Job, "choices", lambda job, question, reading: list("ABCD"))
    model.lacks = lacking
    here, served = asked("mmlu", readings=["letter"]), asked("mmlu", *SERVED, readings=["letter"], in_flight=1)
    assert_equal(here, served)
    named = [body for body in model.asked if "logprob_token_ids" in body]
    echoed = [body for body in model.asked if body.get("echo")]
    assert (len(named), len(echoed)) == ((1, len(served)) if lacking else (len(served), 0))
    assert all(body["max_tokens"] == 1 and len(body["logprob_token_ids"]) == 4 for body in named)


def test_a_server_that_is_not_told_vllms_keys_echoes(asked, model, monkeypatch):
    monkeypatch.setattr(Job, "choices", lambda job, question, reading: list("ABCD"))
    asked("mmlu", *SERVED, readings=["letter"], extra={})
    assert not [body for body in model.asked if "logprob_token_ids" in body]


def test_nothing_is_asked_twice_and_a_stage_goes_on_from_what_was_answered(asked, model, tiny):
    served = asked("mmlu", *SERVED)
    count = len(model.asked)
    assert count == 4 * len(served)  # the answer, the letters after it; the role prompt for cloze, its choices
    assert asked("mmlu", *SERVED) == served
    assert len(model.asked) == count


def test_a_busy_server_is_asked_again_and_one_that_refuses_ends_the_stage_which_goes_on_later(asked, model):
    model.faults = [503, 200, 200, 503, 200, 404]
    with pytest.raises(InputError, match=r"has no model 'tiny'"):
        asked("mmlu", *SERVED, in_flight=1)
    assert len(model.asked) == 3
    served = asked("mmlu", *SERVED, in_flight=1)
    assert len(model.asked) == 4 * len(served)
    assert_equal(asked("mmlu"), served)


def test_weights_that_changed_are_asked_again(asked, model, tiny, tmp_path):
    asked("strategyqa", *SERVED)
    count = len(model.asked)
    config = tiny / "generation_config.json"
    original = config.read_text()
    try:
        config.write_text(original + "\n")
        asked("strategyqa", *SERVED)
    finally:
        config.write_text(original)
    assert len(model.asked) == 2 * count


def test_sampled_answers_carry_each_questions_own_seed(asked, model):
    served = asked("open_ended", *SERVED)
    sampling = {"temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.2, "max_tokens": 16}
    assert all(body[key] == value for body in model.asked for key, value in sampling.items())
    assert len({body["seed"] for body in model.asked}) == len(served) == len({answer.output for answer in served})


def test_log_probabilities_that_the_server_lacks_are_an_error_that_says_what_to_do(asked, model):
    model.lacks = ("logprobs",)
    with pytest.raises(InputError, match=r"set servers\.openai\.logprobs to false"):
        asked("mmlu", *SERVED)


def test_a_penalty_that_the_server_lacks_is_an_error(asked):
    with pytest.raises(InputError, match="repetition_penalty_name is null"):
        asked("open_ended", *SERVED, repetition_penalty_name=None)


def test_a_model_that_is_not_served_is_named_before_anything_is_asked(asked, model):
    with pytest.raises(InputError, match=r"does not serve the model 'other'; near names are: tiny"):
        asked("mmlu", *SERVED, model="other")
    assert not model.asked


def test_log_probabilities_need_ids():
    with pytest.raises(ValueError, match="need prompts: ids"):
        OpenAI(base_url="http://127.0.0.1:1/v1", prompts="text", logprobs=True)


def test_a_command_serves_for_as_long_as_it_is_needed(asked, tiny, monkeypatch):
    command = f"{sys.executable} -m tests.servers.completion_server {{folder}} --port {{port}}"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    changes = {"command": command, "base_url": "http://127.0.0.1:{port}/v1", "model": "{folder}"}
    assert asked("strategyqa", *SERVED, **changes) == asked("strategyqa", *SERVED)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "tests.servers.completion_server data/base/tiny" not in running


def test_a_command_that_cannot_be_run_is_named(asked):
    with pytest.raises(InputError, match=r"(?s)servers\.openai\.command ended \(1\).*no-such-server cannot be run"):
        asked("strategyqa", *SERVED, command="no-such-server {folder} {port}", base_url="http://127.0.0.1:{port}/v1")


def test_a_command_that_ends_at_once_is_an_error_with_what_it_said(asked):
    command = f"{sys.executable} -c 'import sys; sys.exit(\"no such flag\")' {{port}}"
    with pytest.raises(InputError, match=r"(?s)ended \(1\); the end of logs/server-tiny\.log.*no such flag"):
        asked("strategyqa", *SERVED, command=command, base_url="http://127.0.0.1:{port}/v1")
