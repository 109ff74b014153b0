import pytest

from stages.chat_models.bodies import (
    UnreadableReply,
    cache_key,
    make_body,
    modes_for,
    most_prompt_tokens,
    read_completion,
)
from stages.chat_models.interface import ChatRequest, Message
from tests.chat_models.server import completion
from tests.chat_models.support import SCHEMA, openai_preset, request

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


def test_a_server_that_leaves_out_what_it_may_is_understood() -> None:
    payload = {"model": "m", "choices": [{"message": {"content": "hi"}}]}
    assert read_completion(payload).text == "hi"


@pytest.mark.parametrize(
    "payload", [None, [], {}, {"choices": []}, {"choices": [{}]}, {"choices": [{"message": None}]}]
)
def test_what_is_no_completion_is_unreadable(payload: object) -> None:
    with pytest.raises(UnreadableReply):
        read_completion(payload)
