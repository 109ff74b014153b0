import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stages.chat_models import ChatRequest, InvalidAnswer
from stages.chat_models.client import ServedModel
from stages.chat_models.store import Store
from stages.core.errors import InputError
from tests.chat_models.batch_api import BatchApi, not_reached, refused
from tests.chat_models.server import Asked, Reaction, Server, completion, error, good
from tests.chat_models.support import SCHEMA, FastClock, as_it_is, openai_preset, request, requests


@contextmanager
def api(**changes: Any) -> Iterator[tuple[Server, BatchApi]]:
    with Server() as server:
        yield server, BatchApi(server, **changes)


def batched(server: Server, folder: Path, **changes: Any) -> ServedModel:
    values = {"batch_poll_seconds": 1.0} | changes
    return ServedModel(openai_preset(server.url, batch=True, **values), folder, FastClock())


def test_a_batch_answers_all_in_order_and_once(tmp_path: Path) -> None:
    with api(polls=3) as (server, batches):
        outcomes = list(batched(server, tmp_path).ask(requests(50), as_it_is))
        assert [outcome.request.id for outcome in outcomes] == [str(n) for n in range(50)]
        assert all(outcome.value and f"subject {outcome.request.id} " in outcome.value for outcome in outcomes)
        assert all(outcome.reply and outcome.reply.batched for outcome in outcomes)
        assert len(batches.created) == 1
        again = list(batched(server, tmp_path).ask(requests(50), as_it_is))
        assert all(outcome.cached for outcome in again)
        assert len(batches.created) == 1
        assert Store(tmp_path).batches(server.url) == []


def test_what_is_asked_is_the_same_as_without_batches(tmp_path: Path) -> None:
    with api() as (server, batches):
        list(batched(server, tmp_path).ask(requests(3, SCHEMA), as_it_is))
        # The very same requests, one by one, find their answers in the cache.
        one_by_one = ServedModel(openai_preset(server.url), tmp_path)
        assert all(outcome.cached for outcome in one_by_one.ask(requests(3, SCHEMA), as_it_is))
        body = next(iter(batches.created[0].values()))
        assert body["response_format"]["type"] == "json_schema"


def test_a_batch_costs_half(tmp_path: Path) -> None:
    preset = openai_preset("http://localhost:1/v1", batch=True, prices={"input": 4.0, "output": 8.0})
    with api() as (server, _):
        outcome = next(batched(server, tmp_path).ask(requests(1), as_it_is))
    assert outcome.reply
    assert preset.cost(outcome.reply) == pytest.approx((100 * 4.0 + 50 * 8.0) / 2e6)


def test_lines_that_the_server_did_not_get_to_are_handed_in_again(tmp_path: Path) -> None:
    def answer(asked: Asked) -> dict[str, Any] | Reaction:
        if asked.item in {"1", "4"} and len(batches.created) == 1:
            return refused(500, "the server had an error")
        return good(asked)

    with api(answer=answer) as (server, batches):
        outcomes = list(batched(server, tmp_path).ask(requests(6), as_it_is))
        assert all(outcome.value for outcome in outcomes)
        assert [len(created) for created in batches.created] == [6, 2]
        assert set(batches.paid.values()) == {1}


def test_an_expired_batch_is_collected_and_its_rest_handed_in_again(tmp_path: Path) -> None:
    def answer(asked: Asked) -> dict[str, Any] | Reaction:
        if len(batches.created) == 1 and int(asked.item) >= 3:
            return not_reached("batch_expired")
        return good(asked)

    with api(answer=answer) as (server, batches):
        batches.status = "expired"
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(6), as_it_is))
        assert [len(created) for created in batches.created] == [6, 3]


def test_invalid_answers_are_asked_again_in_a_second_batch(tmp_path: Path) -> None:
    def check(_: ChatRequest, text: str) -> str:
        if text == "bad":
            raise InvalidAnswer("bad")
        return text

    def answer(asked: Asked) -> dict[str, Any]:
        again = len(asked.body["messages"]) > 1
        return completion("bad") if asked.item == "2" or (asked.item == "1" and not again) else good(asked)

    with api(answer=answer) as (server, batches):
        outcomes = list(batched(server, tmp_path, attempts=2).ask(requests(4), check))
        assert [outcome.failure for outcome in outcomes] == [None, None, "bad", None]
        assert [len(created) for created in batches.created] == [4, 2]


def test_a_filtered_line_fails_alone(tmp_path: Path) -> None:
    def answer(asked: Asked) -> dict[str, Any] | Reaction:
        return refused(400, "filtered", code="content_filter") if asked.item == "1" else good(asked)

    with api(answer=answer) as (server, batches):
        outcomes = list(batched(server, tmp_path).ask(requests(3), as_it_is))
        assert [outcome.failure for outcome in outcomes] == [None, "content filter", None]
        assert len(batches.created) == 1


def test_a_form_that_is_not_known_is_given_up_for_a_plainer_one(tmp_path: Path) -> None:
    def answer(asked: Asked) -> dict[str, Any] | Reaction:
        form = asked.body.get("response_format", {}).get("type")
        return refused(400, "no json_schema here") if form == "json_schema" else good(asked)

    with api(answer=answer) as (server, batches):
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(3, SCHEMA), as_it_is))
        assert len(batches.created) == 2


def test_an_error_of_every_line_stops_and_keeps_the_rest(tmp_path: Path) -> None:
    def answer(asked: Asked) -> dict[str, Any] | Reaction:
        return refused(404, "The model `tester` does not exist") if asked.item == "1" else good(asked)

    with api(answer=answer) as (server, batches):
        with pytest.raises(InputError, match="has no model 'tester'"):
            list(batched(server, tmp_path).ask(requests(3), as_it_is))
        batches.answer = good
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(3), as_it_is))
        assert set(batches.paid.values()) == {1}


def test_a_batch_that_completes_without_an_output_file_is_an_error(tmp_path: Path) -> None:
    lost = api(answer=lambda _: refused(500, "all is lost"))
    with (
        lost as (server, _),
        pytest.raises(InputError, match=r"batch-0 completed without an output file: HTTP 500 .all is lost"),
    ):
        list(batched(server, tmp_path).ask(requests(3), as_it_is))
    with api() as (server, batches):
        batches._work = lambda _: {}  # type: ignore[method-assign]
        with pytest.raises(InputError, match="without an output file: the server gives no reason"):
            list(batched(server, tmp_path).ask(requests(3), as_it_is))


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_batch_that_fails_as_a_whole_says_why_and_the_next_run_hands_in_again(tmp_path: Path, status: str) -> None:
    with api() as (server, batches):
        batches.status = status
        batches.errors = {"object": "list", "data": [{"code": "server_error", "message": "Too many tokens"}]}
        batches.answer = lambda _: not_reached("batch_cancelled")
        with pytest.raises(InputError, match=f"batch-0 ended as {status}: Too many tokens"):
            list(batched(server, tmp_path).ask(requests(3), as_it_is))
        batches.status, batches.answer, batches.errors = "completed", good, None
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(3), as_it_is))


def test_a_run_that_died_while_waiting_goes_on_with_its_batch(tmp_path: Path) -> None:
    with api(polls=10**9) as (server, batches):
        waiting = batched(server, tmp_path)
        waiting._clock = Dying()
        with pytest.raises(KeyboardInterrupt):
            list(waiting.ask(requests(5), as_it_is))
        assert Store(tmp_path).batches(server.url) == [("file-0", "batch-0")]
        batches.polls = 0
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(5), as_it_is))
        assert len(batches.created) == 1


def test_a_batch_whose_id_was_lost_is_found_and_not_made_twice(tmp_path: Path) -> None:
    with api() as (server, batches):
        batches.lose_first_answer = True  # the connection breaks when the batch has just been made
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(5), as_it_is))
        assert len(batches.created) == 1

        batches.polls = 0
        list(batched(server, tmp_path).ask(requests(6), as_it_is))
        elsewhere = tmp_path / "elsewhere"
        Store(elsewhere).note_batch(server.url, "file-2", None)
        assert len(batches.created) == 2
        list(batched(server, elsewhere).ask([request("5")], as_it_is))
        assert len(batches.created) == 2


def test_a_batch_is_looked_for_again_where_the_server_is_busy(tmp_path: Path) -> None:
    with api() as (server, batches):
        list(batched(server, tmp_path).ask(requests(2), as_it_is))
        elsewhere = tmp_path / "elsewhere"
        Store(elsewhere).note_batch(server.url, "file-0", None)
        served, busy = server.routes["/v1/batches"], iter([503])
        server.routes["/v1/batches"] = lambda asked: (
            Reaction(status) if "?" in asked.path and (status := next(busy, None)) else served(asked)
        )
        assert all(outcome.value for outcome in batched(server, elsewhere).ask(requests(2), as_it_is))
        assert len(batches.created) == 1


def test_equal_requests_stand_in_a_batch_once(tmp_path: Path) -> None:
    twins = [request("same").model_copy(update={"id": str(number)}) for number in range(4)]
    with api() as (server, batches):
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(twins, as_it_is))
        assert [len(created) for created in batches.created] == [1]


def test_large_corpora_go_in_several_batches(tmp_path: Path) -> None:
    with api() as (server, batches):
        assert len(list(batched(server, tmp_path, batch_size=4).ask(requests(10), as_it_is))) == 10
        assert [len(created) for created in batches.created] == [4, 4, 2]


def test_a_batch_that_may_cost_too_much_is_not_handed_in(tmp_path: Path) -> None:
    with api() as (server, batches):
        model = batched(server, tmp_path, prices={"output": 1e4}, max_cost=6.0)  # at most a dollar each
        with pytest.raises(InputError, match=r"raise the preset's max_cost to at least 10\.00"):
            list(model.ask(requests(10), as_it_is))
        assert batches.created == []


TEXT = "one\u2028two\u2029three\u0085four\x0bfive"


def test_lines_of_a_batch_end_at_a_line_feed_alone(tmp_path: Path) -> None:
    with api(answer=lambda _: completion(TEXT)) as (server, batches):
        outcomes = list(batched(server, tmp_path).ask(requests(4), as_it_is))
        assert [outcome.value for outcome in outcomes] == [TEXT] * 4
        assert len(batches.created) == 1


OTHER = "f" * 64
BAD_LINES = {
    "torn": lambda line: line[: len(line) // 2],
    "no JSON": lambda _: b"<html>",
    "not UTF-8": lambda _: b"\xff\xfe",
    "a list": lambda line: b"[" + line + b"]",
    "a text": lambda _: b'"line"',
    "null": lambda _: b"null",
    "no custom_id": lambda line: line.replace(b'"custom_id"', b'"id2"'),
    "custom_id a number": lambda line: re.sub(rb'"custom_id": "\w+"', b'"custom_id": 7', line),
    "custom_id a path": lambda line: re.sub(rb'"custom_id": "\w+"', b'"custom_id": "../../x"', line),
    "custom_id a list": lambda line: re.sub(rb'"custom_id": "\w+"', b'"custom_id": ["x"]', line),
    "custom_id of another": lambda line: re.sub(rb'"custom_id": "\w+"', f'"custom_id": "{OTHER}"'.encode(), line),
    "status as text": lambda line: line.replace(b'"status_code": 200', b'"status_code": "fine"'),
    "no status": lambda line: line.replace(b'"status_code": 200, ', b""),
    "response a list": lambda line: re.sub(rb'"response": .*', b'"response": [1], "error": null}', line),
    "response null": lambda line: re.sub(rb'"response": .*', b'"response": null, "error": null}', line),
    "body null": lambda line: re.sub(rb'"body": .*', b'"body": null}, "error": null}', line),
    "body a text": lambda line: re.sub(rb'"body": .*', b'"body": "x"}, "error": null}', line),
    "no choices": lambda line: line.replace(b'"choices"', b'"chances"'),
    "error a text": lambda line: re.sub(rb'"response": .*', b'"response": null, "error": "no"}', line),
    "error a list": lambda line: re.sub(rb'"response": .*', b'"response": null, "error": ["no"]}', line),
    "deep": lambda _: b'{"a": ' * 5000 + b"1" + b"}" * 5000,
    "a long number": lambda line: re.sub(rb'"prompt_tokens": \d+', b'"prompt_tokens": ' + b"9" * 5000, line),
}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_one_bad_line_counts_as_not_answered_and_the_rest_is_collected(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with api() as (server, batches):
        batches.change_lines = lambda lines: [BAD_LINES[kind](lines[0]), *lines[1:]] if len(lines) > 1 else lines
        outcomes = list(batched(server, tmp_path).ask(requests(5), as_it_is))
        assert all(outcome.value for outcome in outcomes)
        assert [len(created) for created in batches.created] == [5, 1]
        assert sorted(batches.paid.values()) == [1, 1, 1, 1, 2]
        assert Store(tmp_path).batches(server.url) == []


def test_bad_lines_in_a_batch_of_an_earlier_run_do_not_keep_it_from_ending(tmp_path: Path) -> None:
    with api(polls=10**9) as (server, batches):
        waiting = batched(server, tmp_path)
        waiting._clock = Dying()
        with pytest.raises(KeyboardInterrupt):
            list(waiting.ask(requests(30), as_it_is))
        batches.polls = 0
        kinds = list(BAD_LINES.values())
        batches.change_lines = lambda lines: (
            [*(kind(line) for kind, line in zip(kinds, lines, strict=False)), *lines[len(kinds) :]]
            if len(lines) == 30
            else lines
        )
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(30), as_it_is))
        assert [len(created) for created in batches.created] == [30, len(kinds)]


def test_a_batch_that_the_server_no_longer_has_is_forgotten_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with api() as (server, batches):
        Store(tmp_path).note_batch(server.url, "file-9", "batch-9")
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(3), as_it_is))
        assert len(batches.created) == 1
        assert Store(tmp_path).batches(server.url) == []
    assert "batch batch-9: the server no longer has it" in caplog.text


def test_a_file_of_answers_that_the_server_no_longer_has_is_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with api() as (server, batches):
        work = batches._work
        lost = {"output_file_id": "file-99"}
        batches._work = lambda batch: lost if len(batches.created) == 1 else work(batch)  # type: ignore[method-assign]
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(3), as_it_is))
        assert len(batches.created) == 2
    assert "no longer has file file-99" in caplog.text


def test_an_id_of_the_servers_becomes_no_path(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with api() as (server, batches):
        batches.prefix = "../../x?y#"
        assert all(outcome.value for outcome in batched(server, folder).ask(requests(3), as_it_is))
        assert len(batches.created) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]
    assert list((tmp_path / "a").iterdir()) == [folder]


@pytest.mark.parametrize("body", [{"object": "file"}, ["x"], {"id": ""}, {"id": 7}, b"<html>"])
def test_an_upload_that_is_answered_without_an_id_ends_in_a_message(tmp_path: Path, body: object) -> None:
    with api() as (server, _):
        server.routes["/v1/files"] = lambda _: Reaction(body=body)
        with pytest.raises(InputError, match=r"does not take a batch .*unreadable reply"):
            list(batched(server, tmp_path).ask(requests(1), as_it_is))


@pytest.mark.parametrize("body", [["x"], {}, {"status": ["completed"]}, b"<html>", {"status": "paused"}])
def test_a_batch_that_is_none_ends_in_a_message_and_stays_noted(tmp_path: Path, body: object) -> None:
    with api() as (server, batches):
        serve = server.routes["/v1/batches"]
        odd = iter([body] * 4 + [error("gone mad", "x")])
        server.routes["/v1/batches"] = lambda asked: (
            serve(asked) if asked.path == "/v1/batches" else Reaction(body=next(odd, error("gone mad", "x")))
        )
        with pytest.raises(InputError):
            list(batched(server, tmp_path, tries=2).ask(requests(1), as_it_is))
        server.routes["/v1/batches"] = serve
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(1), as_it_is))
        assert len(batches.created) == 1


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with api() as (server, batches):
        batches.not_yet = 3
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(3), as_it_is))
        assert len(batches.created) == 1


def test_a_file_that_is_too_large_is_named(tmp_path: Path) -> None:
    with api() as (server, batches):
        batches.most_lines = 4
        with pytest.raises(InputError, match=r"batch of 10 requests .*too large, lower the preset's batch_size"):
            list(batched(server, tmp_path).ask(requests(10), as_it_is))
        assert all(outcome.value for outcome in batched(server, tmp_path, batch_size=4).ask(requests(10), as_it_is))
        assert [len(created) for created in batches.created] == [4, 4, 2]


def test_a_batch_is_split_where_the_server_limits_queued_tokens(tmp_path: Path) -> None:
    with api() as (server, batches):
        batches.queue_of_lines = 3
        assert all(outcome.value for outcome in batched(server, tmp_path).ask(requests(8), as_it_is))
        assert [len(created) for created in batches.created] == [8, 4, 2, 2, 2, 2]
        assert set(batches.paid.values()) == {1}
        batches.queue_of_lines = 0
        with pytest.raises(InputError, match="ended as failed: Enqueued token limit reached"):
            list(batched(server, tmp_path).ask(requests(10), as_it_is))


class Dying(FastClock):
    async def sleep(self, seconds: float) -> None:
        raise KeyboardInterrupt
