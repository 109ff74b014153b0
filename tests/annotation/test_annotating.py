from pathlib import Path

import pytest

from stages.annotation.annotating import (
    SHAPES,
    RoleRequests,
    Tally,
    annotate,
    demand_enough,
    read_json,
    read_role,
    request_role,
)
from stages.annotation.recording import RecordedModel
from stages.chat_models import ChatReply, ChatRequest, Estimate, InvalidAnswer, Outcome
from stages.chat_models.preset import ChatPreset, LocalPreset, OpenAIPreset, RecordedPreset
from stages.core.errors import InputError
from stages.records.conversation import Conversation


def conversation(name: str) -> Conversation:
    return Conversation(id=name, source="s", turns=[f"question {name}", "answer", "more?", "no"])


def test_the_annotator_sees_the_instruction_and_the_first_user_turn_alone() -> None:
    request: ChatRequest = request_role(conversation("a"), "the instruction")
    assert [message.role for message in request.messages] == ["system", "user"]
    assert request.messages[0].content == "the instruction"
    shown = request.messages[1].content
    assert "question a" in shown
    assert not any(later in shown for later in ("answer", "more?", "no\n"))
    assert request.answer_schema
    assert request.answer_schema["additionalProperties"] is False
    assert request.recorded_key == conversation("a").key


def test_an_answer_is_read_as_json_where_it_is_json() -> None:
    assert read_role('{"role": "From now on"}') == "From now on"
    assert read_role("From now on") == "From now on"
    assert read_role("<think>{Hm}</think>\n\nFrom now on") == "From now on"
    assert read_role("From now on, you are {x}") == "From now on, you are {x}"


@pytest.mark.parametrize(
    "text",
    [
        '{"role": "x"}',
        ' {"role":"x"}\n',
        '```json\n{"role": "x"}\n```',
        'Here it is:\n```\n{"role": "x"}\n```\nGood luck!',
        'Sure! {"role": "x"} I hope {that} helps.',
        'In the form {"answer": "…"} you asked for: {"role": "x"}',
        "{" * 3 + ' {"role": "x"}',
    ],
)
def test_json_is_found_whatever_prose_stands_around_it(text: str) -> None:
    assert read_role(text) == "x"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("From now on, you are x", "not JSON"),
        ('{"role": "From now on', "not JSON"),
        ('{"role": "a", "role": "b"}', "a key stands twice"),
        ('{"roles": ["x"]}', "not the fields asked for"),
        ('{"role": "x", "why": "y"}', "not the fields asked for"),
        ('{"role": 7}', "not the fields asked for"),
        ('["x"]', "not JSON"),
        ('{"role": ' + "9" * 5000 + "}", "not JSON"),
        (
            '{"role": ' * 100_000 + "1" + "}" * 100_000,
            "nested too deeply|not the fields asked for",
        ),  # by the recursion limit that a library may raise
        ('{"role": "half \\ud83d of it"}', "half a character"),
    ],
)
def test_other_json_is_an_invalid_answer(text: str, reason: str) -> None:
    with pytest.raises(InvalidAnswer, match=reason):
        read_json(text)


def test_half_of_all_role_prompts_are_asked_for_in_one_sentence_and_each_always_in_the_same_shape() -> None:
    def shape(name: str) -> str:
        return request_role(conversation(name), "").messages[1].content.rpartition(", in ")[2].rstrip(".")

    shapes = [shape(str(number)) for number in range(300)]
    assert set(shapes) == set(SHAPES)
    assert 0.3 < sum(each == "two sentences" for each in shapes) / 300 < 0.5
    assert shapes == [shape(str(number)) for number in range(300)]


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
    told = RoleRequests([conversation(name) for name in "abc"]).estimate(RecordedModel(tmp_path / "none.jsonl"))
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


def demand(good: int, *failures: str, tolerated: float = 0.0) -> None:
    preset: ChatPreset = LocalPreset(kind="local", tolerated_failures=tolerated)
    request = request_role(Conversation(id="1", source="s", turns=["a", "b"]), "")
    tally = Tally(preset)
    for failure in [None] * good + list(failures):
        tally.count(Outcome(request, None if failure else "role", failure))
    demand_enough(tally, preset, Path("data/annotations/mine.jsonl"), Path("logs/failures.jsonl"))


def test_all_annotated_is_enough_and_so_is_what_the_preset_tolerates() -> None:
    demand(3)
    demand(9, "refused", tolerated=0.1)


@pytest.mark.parametrize(
    ("good", "failures", "tolerated", "told"),
    [
        (9, ["refused"], 0.05, r"1 of 10 items .*refused: 1.*logs/failures\.jsonl.*tolerated_failures to 0\.1000"),
        (0, ["refused", "too short"], 0.9, "2 of 2 items .*Choose an annotator"),
        (
            5,
            ["not recorded"],
            0.9,
            r"1 of 6 items of corpus 'mine' have no recorded annotation in data/annotations/mine",
        ),
        (0, [], 0.0, "the corpus is empty"),
    ],
)
def test_less_ends_the_stage_and_says_what_to_do(good: int, failures: list[str], tolerated: float, told: str) -> None:
    with pytest.raises(InputError, match=told):
        demand(good, *failures, tolerated=tolerated)


def test_the_estimate_reads_well() -> None:
    told = str(Estimate(1030, 30, 900_000, 80_000, 6.9, 12.34))
    assert "requests: 1030, of which 30 cached and 1000 missing" in told
    assert "about $6.90, at most $12.34" in told
