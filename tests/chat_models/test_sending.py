import httpx2
import openai
import pytest

from stages.chat_models.pacing import Again, FormRefused, Unanswered, UnreadableReply, remedy, remedy_of_answer
from stages.core.errors import InputError
from tests.chat_models.support import openai_preset

PRESET = openai_preset("http://localhost:1/v1", key_variable="SOME_KEY")
REQUEST = httpx2.Request("POST", "http://localhost:1/v1/chat/completions")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_a_busy_server_is_asked_again(status: int) -> None:
    fault = remedy_of_answer(status, {"message": "x"}, 3.0, PRESET)
    assert isinstance(fault, Again)
    assert (str(fault), fault.after, fault.told) == (f"HTTP {status}", 3.0, "(x)")


@pytest.mark.parametrize("status", [307, 400, 401, 402, 403, 404, 422])
def test_what_someone_must_mend_stops_the_run_and_says_what(status: int) -> None:
    fault = remedy_of_answer(status, {"message": "so it is"}, None, PRESET)
    assert isinstance(fault, InputError)
    assert "so it is" in str(fault)
    assert "http://localhost:1/v1" in str(fault) or "key" in str(fault)


def test_faults_of_one_request_do_not_stop_the_others() -> None:
    for status, error, reason in (
        (400, {"code": "content_filter"}, "content filter"),
        (400, {"code": "context_length_exceeded"}, "prompt too long"),
        (413, {"message": "too large"}, "prompt too long"),
    ):
        fault = remedy_of_answer(status, error, None, PRESET)
        assert isinstance(fault, Unanswered)
        assert str(fault) == reason


def test_a_quota_that_is_used_up_is_told_by_code_or_by_type() -> None:
    for error in ({"code": "insufficient_quota"}, {"code": None, "type": "insufficient_quota", "message": "pay"}):
        fault = remedy_of_answer(429, error, None, PRESET)
        assert isinstance(fault, InputError)
        assert "no credit left" in str(fault)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Invalid parameter", "param": "response_format"},
        {"message": "json_schema is not supported by this model"},
        {"detail": "Unsupported fields in the request: {'response_format'}"},
    ],
)
def test_an_unknown_form_of_answer_is_recognised(error: dict[str, str]) -> None:
    assert isinstance(remedy_of_answer(400, error, None, PRESET), FormRefused)


def what(error: Exception) -> tuple[str, bool]:
    fault = remedy(error, PRESET)
    assert isinstance(fault, Again)
    return str(fault), fault.maybe_billed


def test_an_answer_that_may_have_been_billed_is_marked() -> None:
    assert what(TimeoutError()) == ("no answer", True)
    late = openai.APITimeoutError(REQUEST)
    late.__cause__ = httpx2.ReadTimeout("late")
    assert what(late) == ("no answer", True)
    assert what(openai.APIConnectionError(request=REQUEST)) == ("connection lost", True)
    assert what(UnreadableReply("x")) == ("unreadable reply", True)


def test_a_request_that_never_left_was_not_billed() -> None:
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = httpx2.ConnectError("refused")
    assert what(error) == ("no connection", False)


def test_faults_of_our_own_are_not_swallowed() -> None:
    error = ZeroDivisionError()
    assert remedy(error, PRESET) is error
