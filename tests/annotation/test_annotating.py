from pathlib import Path

import pytest

from stages.annotation.annotating import annotate, estimate, read_role
from stages.annotation.requests import request_role
from stages.annotation.tally import Tally
from stages.chat_models.interface import ChatReply, ChatRequest, Outcome
from stages.chat_models.preset import OpenAIPreset, RecordedPreset
from stages.chat_models.recorded import RecordedModel
from stages.errors import InputError
from stages.records.conversation import Conversation


def conversation(name: str) -> Conversation:
    return Conversation(id=name, source="s", turns=[f"question {name}", "answer", "more?", "no"])


def test_the_annotator_sees_the_instruction_and_the_whole_conversation() -> None:
    request: ChatRequest = request_role(conversation("a"), "the instruction")
    assert [message.role for message in request.messages] == ["system", "user"]
    assert request.messages[0].content == "the instruction"
    shown = request.messages[1].content
    assert [shown.index(turn) for turn in conversation("a").turns] == sorted(
        shown.index(t) for t in conversation("a").turns
    )
    assert request.answer_schema
    assert request.answer_schema["additionalProperties"] is False
    assert request.recorded_key == conversation("a").key


def test_an_answer_is_read_as_json_where_it_is_json() -> None:
    assert read_role('{"role": "From now on"}') == "From now on"
    assert read_role("From now on") == "From now on"
    assert read_role("<think>{Hm}</think>\n\nFrom now on") == "From now on"


def test_equal_ids_are_refused(tmp_path: Path) -> None:
    twins = [conversation("a"), conversation("a")]
    served = RecordedModel(tmp_path / "none.jsonl")

    class Eager:
        """Draws all requests before it answers."""

        estimate = served.estimate

        def ask(self, requests: object, check: object) -> object:
            return served.ask(list(requests), check)  # type: ignore[arg-type, call-overload]

    with pytest.raises(InputError, match="the id 'a' twice"):
        list(annotate(twins, Eager(), Tally(RecordedPreset(kind="recorded")), tmp_path / "f"))  # type: ignore[arg-type]


def test_the_estimate_counts_the_corpus(tmp_path: Path) -> None:
    told = estimate([conversation(name) for name in "abc"], RecordedModel(tmp_path / "none.jsonl"))
    assert (told.requests, told.cached, told.missing) == (3, 0, 3)


def test_the_tally_counts_every_reply_of_an_item_whether_cached_or_not() -> None:
    prices = {"input": 1e6, "output": 2e6}
    preset = OpenAIPreset.model_validate({"kind": "openai", "model": "m", "prices": prices})
    reply = ChatReply(
        text="x", finish_reason="stop", prompt_tokens=3, completion_tokens=2, model="m-1", system_fingerprint="f"
    )
    request = request_role(conversation("a"), "")
    fresh, cached = Tally(preset), Tally(preset)
    for tally, was in ((fresh, False), (cached, True)):
        tally.count(Outcome(request, "role", None, (reply, reply), was))
        tally.count(Outcome(request, None, "too short", (reply,), was))
    assert fresh.metrics() == cached.metrics()
    assert fresh.metrics() == {
        "items": 2,
        "annotated": 1,
        "requests": 3,
        "prompt_tokens": 9,
        "cached_prompt_tokens": 0,
        "completion_tokens": 6,
        "cost": 21.0,
        "failures": {"too short": 1},
        "models": ["m-1"],
        "system_fingerprints": ["f"],
    }
    assert fresh.failed_share == 0.5
