import pytest

from stages.annotation.requests import RoleAnswer
from stages.chat_models.interface import ChatReply, ChatRequest, InvalidAnswer
from stages.chat_models.reading import read, read_json, repeated
from tests.chat_models.support import as_it_is, request


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


@pytest.mark.parametrize(
    "text",
    [
        '{"role": "x"}',
        '```json\n{"role": "x"}\n```',
        'Here it is:\n```\n{"role": "x"}\n```\nGood luck!',
        ' {"role":"x"}\n',
    ],
)
def test_json_is_found_bare_or_in_a_fence(text: str) -> None:
    assert read_json(text, RoleAnswer).role == "x"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"role": "x"', "not JSON"),
        ("From now on, you are x", "not JSON"),
        ('{"role": "a", "role": "b"}', "a key stands twice"),
        ('{"roles": ["x"]}', "not the fields asked for"),
        ('{"role": "x", "why": "y"}', "not the fields asked for"),
        ('{"role": 7}', "not the fields asked for"),
        ('["x"]', "not the fields asked for"),
    ],
)
def test_other_json_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidAnswer, match=reason):
        read_json(text, RoleAnswer)
