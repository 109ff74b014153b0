"""Likelihoods of reference answers, against whole passes of the library's own over what training renders."""

import random
import sys

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages import likelihood
from stages.chat import arms, self_prompt
from stages.chat.rendering import Part, render
from stages.decoding.parameters import Decoding, ReferenceLikelihoods
from stages.decoding.references import held_out, reference_likelihoods
from stages.records import files
from stages.records.conversation import AnnotatedConversation
from stages.records.results import ReferenceLikelihood
from tests.decoding.kinds import KINDS
from tests.decoding.kinds import tokenizer as of_kind

DECODING = Decoding(dtype="float32", batch_tokens=4096, threads=1)
ANSWERS = ["A plant.", "Water and air.\n\nNothing else.", "Because it is wet there.", "No."]
HELD = [
    AnnotatedConversation(
        id=f"c-{n}",
        source="test",
        turns=[f"What is moss, {n}?", answer, "And then?", "It dries."],
        role=f"{self_prompt.OPENING} a botanist of kind {n}.",
    )
    for n, answer in enumerate(ANSWERS)
]


def turn_with(turns, role):
    """The first question, and its answer as the role arm has it."""
    return [turns[0], self_prompt.join(role, turns[1]) if role else turns[1]]


@pytest.fixture(scope="module")
def expected(tiny):
    """A function that gives the nats of an answer after a role prompt, by one pass over the training text."""
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny)

    def nats(turns, role, most=None):
        ids = render(tokenizer, turn_with(turns, role), role).ids
        end = len(ids) - ids[::-1].index(tokenizer.eos_token_id)
        tokens = len(turns[1].encode()) + 1  # bytes, and the end of turn
        logprobs = model(torch.tensor([ids[:end]])).logits[0].detach().log_softmax(-1)
        return -sum(float(logprobs[place - 1, ids[place]]) for place in range(end - tokens, end)[:most])

    return nats


def measured(tiny, tmp_path, own=None, conversations=HELD, limit=None, answer_tokens=None):
    held = held_out(conversations, limit, random.Random(1))
    asking = ReferenceLikelihoods(limit=limit, role_tokens=6, answer_tokens=answer_tokens)
    return held, reference_likelihoods(tiny, held, own, asking, DECODING, tmp_path / "partial")


def test_the_same_text_is_measured_after_each_role_prompt(tiny, tmp_path, expected):
    held, found = measured(tiny, tmp_path)
    assert [each.id for each in found] == [each.id for each in HELD]
    for each, one in zip(found, held, strict=True):
        turns = one.conversation.turns
        roles = {"recorded": one.conversation.role, "other": one.other_role, "generic": arms.GENERIC_ROLE, "none": None}
        assert each.nats == pytest.approx({name: expected(turns, role) for name, role in roles.items()}, abs=1e-3)
        assert each.tokens == len(turns[1].encode()) + 1
        assert each.own_role is None


@pytest.mark.parametrize("own", [None, "role"])
def test_of_long_answers_the_first_tokens_are_measured(tiny, tmp_path, expected, own):
    held, found = measured(tiny, tmp_path, own, answer_tokens=5)
    for each, one in zip(found, held, strict=True):
        turns = one.conversation.turns
        assert each.tokens == min(5, len(turns[1].encode()) + 1)
        assert each.nats["recorded"] == pytest.approx(expected(turns, one.conversation.role, 5), abs=1e-3)
        assert each.nats["none"] == pytest.approx(expected(turns, None, 5), abs=1e-3)


def test_a_system_with_a_role_of_its_own_writes_it_first(tiny, tmp_path, expected, monkeypatch):
    _, without = measured(tiny, tmp_path / "a", own="role")
    assert all(each.own_role is None and each.nats["own"] == each.nats["none"] for each in without)
    monkeypatch.setattr(self_prompt, "OPENING", "")  # whatever it writes is a role prompt
    held, found = measured(tiny, tmp_path / "b", own="role")
    assert all(each.own_role for each in found)
    for each, one in zip(found, held, strict=True):
        assert each.nats["own"] == pytest.approx(expected(one.conversation.turns, each.own_role), abs=1e-3)


def test_an_arm_that_restates_begins_with_the_questions_first_sentence_and_keeps_none_of_it(tiny, tmp_path, expected):
    one = HELD[0].model_copy(update={"turns": ["Why moss? I ask for a friend.", "It is damp."]})
    _, (found, *_) = measured(tiny, tmp_path, own="restated", conversations=[one, *HELD[1:]])
    assert found.own_role is None
    assert found.nats["own"] == pytest.approx(expected(one.turns, "Why moss?"), abs=1e-3)
    assert found.nats["own"] != found.nats["none"]


def test_another_conversations_role_is_never_its_own_and_each_is_given_once():
    for seed in range(20):
        held = held_out(HELD, None, random.Random(seed))
        assert all(each.other_role != each.conversation.role for each in held)
        assert {each.other_role for each in held} == {each.role for each in HELD}
    assert [each.other_role for each in held_out(HELD, 1, random.Random(1))] == [None]
    assert held_out([], None, random.Random(1)) == []


def test_one_conversation_alone_has_no_other_role(tiny, tmp_path):
    _, (only,) = measured(tiny, tmp_path, limit=1)
    assert set(only.nats) == {"recorded", "generic", "none"}


def test_an_answer_that_does_not_fit_the_context_is_left_out_and_counted(tiny, tmp_path, caplog):
    long = HELD[0].model_copy(update={"id": "long", "turns": ["Why?", "Moss. " * 800]})
    _, found = measured(tiny, tmp_path, conversations=[long, *HELD])
    assert [each.id for each in found] == [each.id for each in HELD]
    assert "1 of 5 answers do not fit the model's context: left out" in caplog.text


def test_a_killed_run_goes_on_to_the_same_numbers(tiny, tmp_path, caplog):
    _, whole = measured(tiny, tmp_path)
    (path,) = (tmp_path / "partial").glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-5])
    assert measured(tiny, tmp_path)[1] == whole
    assert measured(tiny, tmp_path)[1] == whole
    assert "answers are there from before" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_own_tokens_are_the_same_after_any_role_prompt(kind):
    tokenizer = of_kind(kind)
    role = HELD[0].role
    for answer in ANSWERS:
        plain = render(tokenizer, ["Why?", answer], None)
        headed = render(tokenizer, turn_with(["Why?", answer], role), role)
        learnt = [token for token, part in zip(plain.ids, plain.parts, strict=True) if part > Part.ROLE]
        assert headed.ids[1 - len(learnt) :] == plain.ids[1 - len(learnt) :]


@pytest.mark.parametrize(("arm", "own"), [(None, False), ("standard", False), ("role", True), ("restated", True)])
def test_the_stage_writes_one_line_a_conversation(tiny, tmp_path, monkeypatch, arm, own):
    monkeypatch.chdir(tmp_path)
    name = f"tiny-{arm}-1" if arm else "tiny"
    folder = tmp_path / ("data/models" if arm else "data/base") / name
    folder.parent.mkdir(parents=True)
    folder.symlink_to(tiny)
    files.write_jsonl(tmp_path / "data/split/validation.jsonl", HELD)
    scale = {"likelihood": {"limit": 3, "role_tokens": 4}, "generate": {"decoding": DECODING.model_dump()}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"seed": 17, "scales": {"smoke": scale}}))
    system = ["--arm", arm, "--seed", "1"] if arm else []
    monkeypatch.setattr(sys, "argv", ["likelihood", "--model", "tiny", "--scale", "smoke", *system])
    likelihood.main()
    out = tmp_path / "data/likelihoods" / (f"{name}.jsonl" if arm else "tiny-base.jsonl")
    found = files.read_jsonl(out, ReferenceLikelihood)
    assert [each.id for each in found] == ["c-0", "c-1", "c-2"]
    assert all(("own" in each.nats) == own for each in found)
    assert not (tmp_path / ".cache/likelihoods" / out.stem).exists()
