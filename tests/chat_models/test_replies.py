import re

import pytest

from stages.chat_models import ChatReply, ChatRequest, Message
from stages.chat_models.pacing import UnreadableReply
from stages.chat_models.replies import (
    cache_key,
    make_body,
    modes_for,
    most_prompt_tokens,
    read,
    read_completion,
    repeated,
)
from tests.chat_models.server import completion
from tests.chat_models.support import SCHEMA, as_it_is, openai_preset, request

URL = "http://localhost:1/v1"


def test_the_body_holds_what_the_preset_says_and_no_more() -> None:
    assert make_body(request("1"), openai_preset(URL), "text") == {
        "model": "tester",
        "messages": [{"role": "user", "content": "item1 please"}],
        "max_completion_tokens": 200,
    }
    changed = openai_preset(URL, token_limit_name="max_tokens", temperature=0.0, reasoning_effort="low", extra={"k": 1})
    body = make_body(request("1"), changed, "text")
    assert {key: body[key] for key in body if key not in {"model", "messages"}} == {
        "max_tokens": 200,
        "temperature": 0.0,
        "reasoning_effort": "low",
        "k": 1,
    }


def test_json_mode_describes_the_schema_in_the_system_message() -> None:
    asked = request("1", SCHEMA)
    alone = make_body(asked, openai_preset(URL), "json_object")["messages"]
    assert [message["role"] for message in alone] == ["system", "user"]
    system = (Message(role="system", content="Be brief."), *asked.messages)
    joined = make_body(asked.model_copy(update={"messages": system}), openai_preset(URL), "json_object")["messages"]
    assert len(joined) == 2
    assert joined[0]["content"].startswith("Be brief.\n\nAnswer with one JSON object")
    assert system[0].content == "Be brief."


def test_only_answers_with_a_schema_are_asked_for_in_a_form() -> None:
    assert modes_for(request("1"), openai_preset(URL)) == ("text",)
    assert modes_for(request("1", SCHEMA), openai_preset(URL)) == ("json_schema", "json_object", "text")
    assert modes_for(request("1", SCHEMA), openai_preset(URL, answers="json_object")) == ("json_object",)


def test_the_key_changes_with_the_server_the_body_and_the_attempt() -> None:
    body = make_body(request("1"), openai_preset(URL), "text")
    keys = {
        cache_key(body, URL, 0),
        cache_key(body, URL, 1),
        cache_key(body, "http://localhost:2/v1", 0),
        cache_key(make_body(request("2"), openai_preset(URL), "text"), URL, 0),
    }
    assert len(keys) == 4
    assert cache_key(dict(reversed(body.items())), URL, 0) == cache_key(body, URL, 0)


def test_the_id_of_a_request_is_no_part_of_it() -> None:
    other: ChatRequest = request("1").model_copy(update={"id": "other", "recorded_key": "x"})
    assert make_body(other, openai_preset(URL), "text") == make_body(request("1"), openai_preset(URL), "text")


def test_prompt_tokens_are_bounded_from_above() -> None:
    text = "日本語のテキスト, emoji 🦔 and plain words. " * 20
    asked = ChatRequest(id="1", messages=(Message(role="user", content=text),))
    assert most_prompt_tokens(make_body(asked, openai_preset(URL), "text")) >= len(text.encode()) + 8


def test_a_completion_is_read() -> None:
    payload = completion("hello", prompt_tokens=12, completion_tokens=3)
    payload["usage"]["prompt_tokens_details"] = {"cached_tokens": 8}
    reply = read_completion(payload)
    assert (reply.text, reply.finish_reason, reply.model) == ("hello", "stop", "tester-2026-01-01")
    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens) == (12, 8, 3)
    assert read_completion(completion(None, refusal="No.")).refusal == "No."


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}], "in parts"),
        ("half \ud83d of it", "half \ufffd of it"),
        ("whole \ud83e\udd94", "whole 🦔"),
        (None, ""),
    ],
)
def test_a_text_in_parts_or_with_half_a_character_is_read(content: object, text: str) -> None:
    payload = completion("")
    payload["choices"][0]["message"]["content"] = content
    assert read_completion(payload).text == text


@pytest.mark.parametrize("told", [-7, "100", None, True, 10**300, 1.5])
def test_usage_that_cannot_be_is_not_believed(told: object) -> None:
    payload = completion("x") | {"usage": {"prompt_tokens": told, "completion_tokens": told}}
    reply = read_completion(payload)
    assert (reply.prompt_tokens, reply.completion_tokens) in {(0, 0), (1, 1)}
    payload["usage"] = {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 99}}
    assert read_completion(payload).cached_tokens == 10


def test_a_server_that_leaves_out_what_it_may_is_understood() -> None:
    reply = read_completion({"choices": [{"message": {"content": "hi"}}], "usage": None})
    assert (reply.text, reply.model) == ("hi", "not named")


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (None, r"choices\[0\]"),
        ([], r"choices\[0\]"),
        ({"choices": []}, r"choices\[0\]"),
        ({"choices": {"0": 1}}, r"choices\[0\]"),
        ({"choices": [{}]}, r"choices\[0\]\.message"),
        ({"choices": [{"message": "hi"}]}, r"choices\[0\]\.message"),
        ({"choices": [{"message": {"content": 7}}]}, r"choices\[0\]\.message\.content"),
        ({"choices": [{"message": {"content": [{"type": "image"}]}}]}, r"choices\[0\]\.message\.content"),
        ({"choices": [{"message": {"content": "", "refusal": ["no"]}}]}, "refusal"),
    ],
)
def test_what_is_no_completion_is_unreadable_and_the_field_is_named(payload: object, field: str) -> None:
    with pytest.raises(UnreadableReply, match="unreadable reply") as caught:
        read_completion(payload)
    assert re.search(field, caught.value.told)


def reply(text: str = "fine", finish_reason: str = "stop", refusal: str | None = None) -> ChatReply:
    return ChatReply(
        text=text, finish_reason=finish_reason, refusal=refusal, prompt_tokens=1, completion_tokens=1, model="m"
    )


def test_a_good_reply_has_a_value() -> None:
    assert read(request("1"), reply(), as_it_is) == ("fine", None)


@pytest.mark.parametrize(
    ("given", "failure"),
    [
        (reply(finish_reason="length"), "cut off"),
        (reply(finish_reason="content_filter"), "content filter"),
        (reply(refusal="No."), "refused"),
        (reply(text=" \n"), "empty"),
    ],
)
def test_what_is_no_answer_is_never_shown_to_the_check(given: ChatReply, failure: str) -> None:
    def check(_: ChatRequest, text: str) -> str:
        raise AssertionError(text)

    assert read(request("1"), given, check) == (None, failure)
    assert repeated(request("1"), given, failure) == request("1")


def test_an_invalid_answer_is_shown_again_with_what_is_wrong() -> None:
    again = repeated(request("1"), reply("bad"), "too short")
    assert [message.role for message in again.messages] == ["user", "assistant", "user"]
    assert again.messages[1].content == "bad"
    assert "too short" in again.messages[2].content
