import email.utils
import time

import httpx2
import openai
import pytest

from stages.chat_models.bodies import UnreadableReply
from stages.chat_models.faults import Again, GiveUp, PlainerForm, Stop, backoff, remedy, remedy_of_answer, retry_after
from tests.chat_models.support import openai_preset

PRESET = openai_preset("http://localhost:1/v1", key_variable="SOME_KEY")
REQUEST = httpx2.Request("POST", "http://localhost:1/v1/chat/completions")


def test_retry_after_in_every_form() -> None:
    assert retry_after({"retry-after": "7"}) == 7.0
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    in_a_minute = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert retry_after({"retry-after": in_a_minute}) == pytest.approx(60.0, abs=2.0)
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert retry_after({"retry-after": "later"}) is None
    assert retry_after({}) is None


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_a_busy_server_is_asked_again(status: int) -> None:
    assert remedy_of_answer(status, {"message": "x"}, 3.0, PRESET) == Again(f"HTTP {status}", 3.0)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_what_someone_must_mend_stops_the_run_and_says_what(status: int) -> None:
    fault = remedy_of_answer(status, {"message": "so it is"}, None, PRESET)
    assert isinstance(fault, Stop)
    assert "so it is" in fault.message
    assert "http://localhost:1/v1" in fault.message or "SOME_KEY" in fault.message


def test_faults_of_one_request_do_not_stop_the_others() -> None:
    assert remedy_of_answer(400, {"code": "content_filter"}, None, PRESET) == GiveUp("content filter")
    assert remedy_of_answer(400, {"code": "context_length_exceeded"}, None, PRESET) == GiveUp("prompt too long")


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Invalid parameter", "param": "response_format"},
        {"message": "json_schema is not supported by this model"},
        {"detail": "Unsupported fields in the request: {'response_format'}"},
    ],
)
def test_an_unknown_form_of_answer_is_recognised(error: dict[str, str]) -> None:
    assert isinstance(remedy_of_answer(400, error, None, PRESET), PlainerForm)


def test_an_answer_that_may_have_been_billed_is_marked() -> None:
    assert remedy(TimeoutError(), PRESET) == Again("no answer", maybe_billed=True)
    late = openai.APITimeoutError(REQUEST)
    late.__cause__ = httpx2.ReadTimeout("late")
    assert remedy(late, PRESET) == Again("no answer", maybe_billed=True)
    assert remedy(openai.APIConnectionError(request=REQUEST), PRESET) == Again("connection lost", maybe_billed=True)
    assert remedy(UnreadableReply("x"), PRESET) == Again("unreadable reply", maybe_billed=True)


def test_a_request_that_never_left_was_not_billed() -> None:
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = httpx2.ConnectError("refused")
    assert remedy(error, PRESET) == Again("no connection")


def test_faults_of_our_own_are_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        remedy(ZeroDivisionError(), PRESET)


def test_backoff_has_full_jitter_and_a_bound() -> None:
    assert all(0.0 <= backoff(tries, 60.0) <= min(60.0, 0.5 * 2.0**tries) for tries in range(1000))
    assert backoff(10**6, 60.0) <= 60.0
    many = [backoff(4, 60.0) for _ in range(2000)]
    assert min(many) < 0.5
    assert max(many) > 7.5
