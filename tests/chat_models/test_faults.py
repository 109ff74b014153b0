"""What servers were seen to do, each against a real server: nothing is paid twice, nothing lost, nothing hangs."""

import json
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest

from stages.chat_models import ChatRequest
from stages.chat_models.client import ServedModel
from stages.core.errors import InputError
from tests.chat_models.server import Asked, Reaction, Server, completion, error, good
from tests.chat_models.support import FastClock, as_it_is, openai_preset, requests

LEVELS = 100_000  # more than any library sets as the limit of recursion
DEEP = b'{"a": ' * LEVELS + b"1" + b"}" * LEVELS


def served(server: Server, folder: Path, **changes: object) -> ServedModel:
    return ServedModel(openai_preset(server.url, **changes), folder, FastClock())


def first(fault: Reaction, item: str = "1") -> Server:
    """A server that does something else at one item's first request."""
    return Server(lambda asked: fault if asked.item == item and asked.before == 0 else Reaction(body=good(asked)))


def always(fault: Reaction, item: str = "1") -> Server:
    return Server(lambda asked: fault if asked.item == item else Reaction(body=good(asked)))


@pytest.mark.parametrize("text", ["half \ud83d of it", "\udc00", "whole \ud83e\udd94"])
def test_a_reply_with_half_a_character_is_kept_and_paid_once(tmp_path: Path, text: str) -> None:
    with always(Reaction(body=completion(text))) as server:
        told = [outcome.value for outcome in served(server, tmp_path).ask(requests(3), as_it_is)]
        assert told[1]
        assert told[1].encode()
        assert list(served(server, tmp_path).ask(requests(3), as_it_is))[1].cached
        assert set(server.paid().values()) == {1}


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no capacity", "code": 503}},
        {"error": {"message": "slow down", "code": 429}, "choices": []},
        {"error": {"message": "no idea", "type": "server_error", "code": None}},
        {"error": "overloaded"},
    ],
)
def test_an_error_under_status_200_that_may_pass_is_waited_for(tmp_path: Path, body: object) -> None:
    with first(Reaction(body=body)) as server:
        assert all(outcome.value for outcome in served(server, tmp_path).ask(requests(3), as_it_is))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": {"message": "so it is", "type": "authentication_error"}}, "(?s)put a valid one there.*so it is"),
        ({"error": {"message": "so it is", "code": 404}}, "(?s)base_url.*so it is"),
        ({"error": {"message": "so it is", "type": "insufficient_quota", "code": None}}, "(?s)no credit.*so it is"),
        ({"error": {"message": "so it is", "type": "invalid_request_error"}}, "(?s)mend the preset.*so it is"),
    ],
)
def test_an_error_under_status_200_that_cannot_pass_stops_with_the_servers_words(
    tmp_path: Path, body: object, told: str
) -> None:
    with always(Reaction(body=body)) as server, pytest.raises(InputError, match=told):
        list(served(server, tmp_path).ask(requests(3), as_it_is))


def test_the_servers_words_stand_in_the_message_of_a_server_that_is_gone(tmp_path: Path) -> None:
    with (
        Server(lambda _: Reaction(503, error("come back on Monday"))) as server,
        pytest.raises(InputError, match=r"answered nothing for a while .*HTTP 503.*come back on Monday"),
    ):
        list(served(server, tmp_path, tries=2).ask(requests(50), as_it_is))


def test_a_quota_told_by_type_alone_stops_at_once(tmp_path: Path) -> None:
    body = {"error": {"message": "You exceeded your quota", "type": "insufficient_quota", "param": None, "code": None}}
    with Server(lambda _: Reaction(429, body)) as server:
        with pytest.raises(InputError, match=r"no credit left .*You exceeded your quota"):
            list(served(server, tmp_path, in_flight=2).ask(requests(50), as_it_is))
        assert len(server.log) <= 1 + 2


def test_a_request_that_is_too_large_fails_alone(tmp_path: Path) -> None:
    with always(Reaction(413, b"<html>Request Entity Too Large</html>")) as server:
        outcomes = list(served(server, tmp_path).ask(requests(3), as_it_is))
        assert [outcome.failure for outcome in outcomes] == [None, "prompt too long", None]


def test_content_in_parts_is_read_as_text(tmp_path: Path) -> None:
    body = completion("")
    body["choices"][0]["message"]["content"] = [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]
    del body["model"]
    with Server(lambda _: Reaction(body=body)) as server:
        assert {outcome.value for outcome in served(server, tmp_path).ask(requests(20), as_it_is)} == {"in parts"}
        assert set(server.paid().values()) == {1}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (completion("x") | {"choices": [{"message": {"content": [{"type": "image_url"}]}}]}, "message.content"),
        (completion("x") | {"choices": "x"}, r"choices\[0\]"),
        (b"<html>all is well</html>", "not JSON"),
        (b"", "not JSON"),
        (DEEP, "nested too deeply"),
        (b'{"choices": ' + b"9" * 5000 + b"}", "not JSON: Exceeds the limit"),
    ],
)
def test_replies_that_cannot_be_read_stop_the_run_after_a_few_and_the_field_is_named(
    tmp_path: Path, body: object, field: str
) -> None:
    with Server(lambda _: Reaction(body=body)) as server:
        with pytest.raises(InputError, match=f"status 200 what cannot be read .*{field}.* 5 times in a row"):
            list(served(server, tmp_path, in_flight=4).ask(requests(300), as_it_is))
        assert sum(server.paid().values()) <= 5 + 4


def test_an_item_whose_reply_can_never_be_read_fails_alone_after_three(tmp_path: Path) -> None:
    with always(Reaction(body={"choices": []}), "7") as server:
        outcomes = list(served(server, tmp_path, in_flight=2).ask(requests(40), as_it_is))
        assert [o.failure for o in outcomes if o.failure] == ["unreadable reply"]
        assert server.paid()["7"] == 3


@pytest.mark.parametrize(
    "answer",
    [
        Reaction(body=b"<html>Welcome</html>", headers={"content-type": "text/html"}),
        Reaction(body=["tester"]),
        Reaction(body=b""),
        Reaction(body={"data": None}),
        Reaction(body={"data": [{"name": "tester"}, 7]}),
        Reaction(body=DEEP),
        Reaction(500, b"\xff\xfe"),
    ],
    ids=["html", "list", "nothing", "null", "no ids", "deep", "500"],
)
def test_a_list_of_models_that_is_none_is_told_and_passed_over(
    tmp_path: Path, answer: Reaction, caplog: pytest.LogCaptureFixture
) -> None:
    with Server() as server:
        server.routes["/v1/models"] = lambda _: answer
        assert next(served(server, tmp_path).ask(requests(1), as_it_is)).value
    assert "going on" in caplog.text


def test_a_list_of_models_without_end_is_given_up(tmp_path: Path) -> None:
    with Server() as server:
        server.routes["/v1/models"] = lambda _: Reaction(drip=0.02)
        with pytest.raises(InputError, match=r"cannot be reached \(unavailable: no answer\)"):
            list(served(server, tmp_path, timeout=0.3, tries=2).ask(requests(1), as_it_is))


def test_a_reply_without_end_is_given_up(tmp_path: Path) -> None:
    with always(Reaction(drip=0.02)) as server:
        outcomes = list(served(server, tmp_path, timeout=0.5, tries=2).ask(requests(3), as_it_is))
        assert [outcome.failure for outcome in outcomes] == [None, "unavailable: no answer", None]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json; charset=nonsense"},
        {"content-type": "text/plain; charset=utf-16"},
        {"content-type": ""},
        {"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "0"},
        {"x-ratelimit-limit-tokens": "9" * 400, "x-ratelimit-reset-tokens": "-1s", "x-ratelimit-remaining-tokens": "0"},
        {"retry-after": "\xff\xfe", "set-cookie": "\x00"},
    ],
)
def test_odd_headers_of_a_good_reply_do_no_harm(tmp_path: Path, headers: dict[str, str]) -> None:
    with Server(lambda asked: Reaction(body=good(asked), headers=headers)) as server:
        outcomes = list(served(server, tmp_path, tries=2, in_flight=1).ask(requests(2), as_it_is))
        assert all(outcome.value or str(outcome.failure).startswith("unavailable") for outcome in outcomes)


def test_an_encoding_that_is_none_is_a_lost_connection(tmp_path: Path) -> None:
    with first(Reaction(body=completion("x"), headers={"content-encoding": "gzip"})) as server:
        assert all(outcome.value for outcome in served(server, tmp_path).ask(requests(3), as_it_is))


@pytest.mark.parametrize("after", ["1e400", "Fri, 31 Dec 99999 23:59:59 GMT"])
def test_a_wait_beyond_any_date_stops_with_a_message(tmp_path: Path, after: str) -> None:
    busy = Server(lambda _: Reaction(429, error("later"), {"Retry-After": after}))
    with busy as server, pytest.raises(InputError, match="asks to wait for ever"):
        list(served(server, tmp_path).ask(requests(3), as_it_is))


def test_usage_that_is_not_believed_counts_at_its_most(tmp_path: Path) -> None:
    body = completion("x", prompt_tokens=-(10**6), completion_tokens=-(10**6))
    prices = {"output": 10_000.0}  # 200 tokens at most: 2 dollars
    with Server(lambda _: Reaction(body=body)) as server:
        with pytest.raises(InputError, match="max_cost"):
            list(served(server, tmp_path, prices=prices, max_cost=9.0).ask(requests(50), as_it_is))
        assert sum(server.paid().values()) == 4


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_and_nothing_is_sent_elsewhere(tmp_path: Path, status: int) -> None:
    with Server() as other, Server() as server:
        server.plan = lambda _: Reaction(status, b"", {"location": f"{other.url}/chat/completions"})
        with pytest.raises(InputError, match=f"not followed: set base_url .*a redirect to {other.url}"):
            list(served(server, tmp_path).ask(requests(3), as_it_is))
        server.routes["/v1/models"] = lambda _: Reaction(status, b"", {"location": f"{other.url}/models"})
        with pytest.raises(InputError, match="not followed"):
            list(served(server, tmp_path).ask(requests(3), as_it_is))
        assert other.log == []


def test_a_fault_in_a_check_ends_the_run_at_once_and_keeps_what_was_answered(tmp_path: Path) -> None:
    def check(request: ChatRequest, text: str) -> str:
        if request.id == "3":
            raise ZeroDivisionError
        return text

    with Server(latency=0.05) as server:
        begun = time.monotonic()
        with pytest.raises(ZeroDivisionError):
            list(served(server, tmp_path, in_flight=4).ask(requests(50), check))
        assert time.monotonic() - begun < 5.0
        list(served(server, tmp_path).ask(requests(50), as_it_is))
        assert set(server.paid().values()) == {1}


def test_a_fault_where_outcomes_are_read_ends_the_run_and_keeps_what_is_under_way(tmp_path: Path) -> None:
    with Server(latency=0.2) as server:
        begun = time.monotonic()
        with (
            pytest.raises(ZeroDivisionError),
            closing(served(server, tmp_path, in_flight=4).ask(requests(50), as_it_is)) as outcomes,
        ):
            for _ in outcomes:
                raise ZeroDivisionError
        assert time.monotonic() - begun < 5.0
        list(served(server, tmp_path).ask(requests(50), as_it_is))
        assert set(server.paid().values()) == {1}


def test_outcomes_that_nobody_reads_to_their_end_do_not_keep_a_process_alive(tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        from tests.chat_models.support import as_it_is, openai_preset, requests
        from stages.chat_models.client import ServedModel
        outcomes = ServedModel(openai_preset(sys.argv[1], in_flight=4), Path(sys.argv[2])).ask(requests(50), as_it_is)
        kept = [outcomes]
        kept.append(kept)  # a cycle, which is collected when the interpreter ends
        raise ValueError(next(outcomes).request.id)
    """
    with Server(latency=0.05) as server:
        command = [sys.executable, "-c", textwrap.dedent(program), server.url, str(tmp_path)]
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=False, cwd=Path(__file__).parents[2]
        )
    assert run.returncode == 1
    assert "ValueError: 0" in run.stderr
    assert run.stderr.count("Traceback") == 1, run.stderr


def test_a_server_that_repeats_half_of_the_json_of_a_request_is_no_harm(tmp_path: Path) -> None:
    def plan(asked: Asked) -> Reaction:
        return (
            Reaction(400, {"error": json.dumps(asked.body)[:50]}) if asked.item == "1" else Reaction(body=good(asked))
        )

    with Server(plan) as server, pytest.raises(InputError, match="refuses the request"):
        list(served(server, tmp_path).ask(requests(3), as_it_is))
