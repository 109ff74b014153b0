import json
import signal
import threading
from contextlib import closing
from pathlib import Path

import pytest

from stages.annotation.annotating import read_json
from stages.chat_models import ChatRequest, InvalidAnswer
from stages.chat_models.client import ServedModel
from stages.core.errors import InputError
from tests.chat_models.faults_plan import FIRST, INVALID, UNREADABLE, fault_of, faulty
from tests.chat_models.server import Asked, Reaction, Server, completion, error, good
from tests.chat_models.support import SCHEMA, FastClock, as_it_is, openai_preset, request, requests

ITEMS = 300
"""Enough that some item meets each fault."""


def role_of(_: ChatRequest, text: str) -> str:
    role = read_json(text).role
    if not role.startswith("From now on, you are a teacher"):
        raise InvalidAnswer("wrong opening")
    return role


def served(server: Server, folder: Path, **changes: object) -> ServedModel:
    return ServedModel(openai_preset(server.url, **changes), folder, FastClock())


def test_whatever_the_server_does_every_item_is_answered_and_paid_for_once(tmp_path: Path) -> None:
    def plan(asked: Asked) -> Reaction:
        if asked.item in {"100", "250"} and asked.before == 0:
            return Reaction(429, error("slow down"), {"Retry-After": "180"})
        return faulty(asked)

    with Server(plan) as server:
        model = served(server, tmp_path, timeout=4.0, attempts=3)  # a busy machine must not pass for a hang
        outcomes = list(model.ask(requests(ITEMS, SCHEMA), role_of))
        paid = server.paid()

    assert {fault_of(str(number)) for number in range(ITEMS)} == {None, *FIRST}
    assert [outcome.request.id for outcome in outcomes] == [str(number) for number in range(ITEMS)]
    assert all(outcome.value and f"subject {outcome.request.id} " in outcome.value for outcome in outcomes)
    # Once each; and once more where a whole answer came that could not be used.
    assert paid == {str(n): 2 if is_invalid(str(n)) else 1 for n in range(ITEMS)}


def is_invalid(item: str) -> bool:
    return item not in {"100", "250"} and fault_of(item) in INVALID | UNREADABLE


def test_a_second_run_asks_for_nothing_and_needs_no_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Server() as server:
        first = list(served(server, tmp_path).ask(requests(20), as_it_is))
        url = server.url
    second = list(ServedModel(openai_preset(url), tmp_path).ask(requests(20), as_it_is))
    assert [outcome.value for outcome in second] == [outcome.value for outcome in first]
    assert all(outcome.cached for outcome in second)
    drawn = capsys.readouterr().err
    assert "20/20" in drawn
    assert "cached 0, failed 0, 3000 tokens" in drawn
    assert not any(outcome.cached for outcome in first)


def test_only_what_is_missing_is_asked(tmp_path: Path) -> None:
    with Server() as server:
        list(served(server, tmp_path).ask(requests(20), as_it_is))
        list(served(server, tmp_path).ask(requests(30), as_it_is))
        assert server.paid() == {str(number): 1 for number in range(30)}


@pytest.mark.parametrize(
    "change", [{"model": "tester-2"}, {"temperature": 0.5}, {"seed": 1}, {"token_limit": 99}, {"extra": {"top_k": 1}}]
)
def test_whatever_shapes_the_answer_is_part_of_the_key(tmp_path: Path, change: dict[str, object]) -> None:
    with Server(models=("tester", "tester-2")) as server:
        list(served(server, tmp_path).ask(requests(1), as_it_is))
        list(served(server, tmp_path, **change).ask(requests(1), as_it_is))
        assert server.paid() == {"0": 2}


def test_what_does_not_shape_the_answer_is_no_part_of_the_key(tmp_path: Path) -> None:
    with Server() as server:
        list(served(server, tmp_path).ask(requests(1), as_it_is))
        changed = served(server, tmp_path, in_flight=3, tries=2, timeout=9.0, max_cost=1.0, attempts=3)
        assert next(changed.ask(requests(1), as_it_is)).cached
        assert server.paid() == {"0": 1}


def test_equal_requests_are_paid_for_once(tmp_path: Path) -> None:
    twins = [request("same").model_copy(update={"id": str(number)}) for number in range(10)]
    with Server(latency=0.05) as server:
        outcomes = list(served(server, tmp_path).ask(twins, as_it_is))
        assert server.paid() == {"same": 1}
    assert len({outcome.value for outcome in outcomes}) == 1


def test_no_more_are_in_flight_than_the_preset_says(tmp_path: Path) -> None:
    most = []

    def plan(asked: Asked) -> Reaction:
        most.append(len(server.log) - 1 - sum(entry.status == 200 for entry in server.log))
        return Reaction(body=good(asked), delay=0.02)

    with Server(plan) as server:
        list(served(server, tmp_path, in_flight=7).ask(requests(60), as_it_is))
    assert max(most) == 6  # others, while the seventh arrives


def test_outcomes_come_in_order_though_answers_do_not(tmp_path: Path) -> None:
    with Server(lambda asked: Reaction(body=good(asked), delay=0.2 if asked.item == "0" else 0.0)) as server:
        outcomes = list(served(server, tmp_path).ask(requests(40), as_it_is))
        assert [outcome.request.id for outcome in outcomes] == [str(number) for number in range(40)]


def test_requests_are_drawn_only_as_far_ahead_as_the_window(tmp_path: Path) -> None:
    drawn = []

    def draw() -> object:
        for one in requests(1000):
            drawn.append(one.id)
            yield one

    with Server() as server:
        outcomes = served(server, tmp_path, in_flight=2).ask(draw(), as_it_is)
        next(outcomes)
        assert len(drawn) <= 64 * 2 + 1
        outcomes.close()
        assert len(server.log) < 100


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (400, "unsupported_parameter", "mend the preset"),
        (401, "invalid_api_key", "put a valid one there"),
        (403, "forbidden", "choose another model"),
        (404, "model_not_found", "mend the preset's model or base_url"),
        (429, "insufficient_quota", "no credit left"),
    ],
)
def test_what_trying_again_cannot_mend_stops_at_once(tmp_path: Path, status: int, code: str, told: str) -> None:
    with Server(lambda _: Reaction(status, error("so it is", code))) as server:
        with pytest.raises(InputError, match=f"(?s){told}.*so it is"):
            list(served(server, tmp_path, in_flight=4).ask(requests(100), as_it_is))
        assert len(server.log) <= 1 + 4


def test_what_is_under_way_when_the_run_stops_is_kept(tmp_path: Path) -> None:
    def plan(asked: Asked) -> Reaction:
        if asked.item == "5":
            return Reaction(401, error("no"), delay=0.1)
        return Reaction(body=good(asked), delay=0.5)

    with Server(plan) as server:
        with pytest.raises(InputError):
            list(served(server, tmp_path, in_flight=8).ask(requests(50), as_it_is))
        assert sum(server.paid().values()) == 7
        server.plan = lambda asked: Reaction(body=good(asked))
        list(served(server, tmp_path).ask(requests(50), as_it_is))
        assert server.paid() == {str(number): 1 for number in range(50)}


def test_retries_do_not_multiply_with_the_sdks(tmp_path: Path) -> None:
    with Server(lambda _: Reaction(500, error("broken"))) as server:
        outcome = next(served(server, tmp_path, tries=3).ask(requests(1), as_it_is))
        assert outcome.failure == "unavailable: HTTP 500"
        assert len(server.log) == 1 + 3


def test_a_server_that_is_gone_stops_the_run(tmp_path: Path) -> None:
    with (
        Server(lambda _: Reaction(cut=True)) as server,
        pytest.raises(InputError, match="answered nothing for a while"),
    ):
        list(served(server, tmp_path, tries=2).ask(requests(50), as_it_is))


def test_a_server_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    with Server() as server:
        url = server.url
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:\d+/v1 cannot be reached \(unavailable: no connection"):
        list(ServedModel(openai_preset(url, tries=2), tmp_path, FastClock()).ask(requests(3), as_it_is))


def test_what_was_not_answered_is_asked_by_the_next_run(tmp_path: Path) -> None:
    with Server(lambda asked: Reaction(500, error("x")) if asked.item == "1" else Reaction(body=good(asked))) as server:
        failures = [outcome.failure for outcome in served(server, tmp_path, tries=2).ask(requests(3), as_it_is)]
        assert failures == [None, "unavailable: HTTP 500", None]
        server.plan = lambda asked: Reaction(body=good(asked))
        assert [o.failure for o in served(server, tmp_path).ask(requests(3), as_it_is)] == [None] * 3


def test_a_wait_longer_than_the_preset_allows_stops_the_run(tmp_path: Path) -> None:
    with Server(lambda _: Reaction(429, error("slow down"), {"Retry-After": "3600"})) as server:
        with pytest.raises(InputError, match="asks to wait 3600 seconds"):
            list(served(server, tmp_path, max_retry_after=1800.0).ask(requests(3), as_it_is))
        assert len(server.log) <= 1 + 3


def test_a_wait_that_the_server_asks_for_holds_everyone(tmp_path: Path) -> None:
    def plan(asked: Asked) -> Reaction:
        if asked.item == "0" and asked.before == 0:
            return Reaction(429, error("slow down"), {"Retry-After": "120"})
        return Reaction(body=good(asked), delay=0.02)

    with Server(plan) as server:
        assert all(o.value for o in served(server, tmp_path, in_flight=4).ask(requests(40), as_it_is))
        times = [entry.at for entry in server.log if entry.path.endswith("completions")]
    before_its_end = [at for at in times if at - times[0] < 0.9 * 120 / FastClock.factor]
    assert len(times) == 41
    assert len(before_its_end) <= 9, "no more than were under way"


def test_a_plainer_form_is_used_where_the_server_does_not_know_the_stricter(tmp_path: Path) -> None:
    def plan(asked: Asked) -> Reaction:
        form = asked.body.get("response_format", {}).get("type")
        if form == "json_schema":
            return Reaction(
                400, error("Invalid parameter: 'response_format' of type 'json_schema'", param="response_format")
            )
        if form == "json_object":
            assert "JSON" in asked.body["messages"][0]["content"]
            return Reaction(422, {"detail": "Unsupported fields in the request: {'response_format'}"})
        return Reaction(body=completion("plain words"))

    with Server(plan) as server:
        outcomes = list(served(server, tmp_path, in_flight=2).ask(requests(10, SCHEMA), as_it_is))
        assert {outcome.value for outcome in outcomes} == {"plain words"}
        asked = len(server.log)
        assert asked <= 1 + 10 + 2 * 4  # what was already on its way meets the refusal too
        assert all(o.cached for o in served(server, tmp_path).ask(requests(10, SCHEMA), as_it_is))
        assert len(server.log) == asked


def test_a_form_that_the_preset_insists_on_is_not_given_up(tmp_path: Path) -> None:
    refusing = Server(lambda _: Reaction(400, error("no response_format here")))
    with refusing as server, pytest.raises(InputError, match="set the preset's answers to auto"):
        list(served(server, tmp_path, answers="json_schema").ask(requests(1, SCHEMA), as_it_is))


def test_an_invalid_answer_is_asked_again_with_the_reason_and_a_bounded_number_of_times(tmp_path: Path) -> None:
    def never(_: ChatRequest, text: str) -> str:
        raise InvalidAnswer("too short")

    with Server() as server:
        server.keep_asked = True
        outcome = next(served(server, tmp_path, attempts=3).ask(requests(1), never))
        assert (outcome.value, outcome.failure, len(outcome.replies)) == (None, "too short", 3)
        bodies = [asked.body for asked in server.asked if asked.body.get("messages")]
        assert len(bodies) == 3
        assert "too short" in bodies[1]["messages"][-1]["content"]
        # What failed for good is not paid for again.
        assert next(served(server, tmp_path, attempts=3).ask(requests(1), never)).cached
        assert len(server.paid()) == 1


def test_a_prompt_that_a_filter_stops_fails_alone(tmp_path: Path) -> None:
    def plan(asked: Asked) -> Reaction:
        if asked.item == "1":
            return Reaction(400, error("The prompt was filtered", "content_filter"))
        return Reaction(body=good(asked))

    with Server(plan) as server:
        failures = [outcome.failure for outcome in served(server, tmp_path).ask(requests(3), as_it_is)]
    assert failures == [None, "content filter", None]


def test_the_run_stops_before_it_can_spend_more_than_the_preset_allows(tmp_path: Path) -> None:
    prices = {"input": 1000.0, "output": 10_000.0}  # a completion costs at most about 2.1 and in fact 0.6
    with Server(latency=0.01) as server:
        model = served(server, tmp_path, prices=prices, max_cost=10.0, in_flight=16)
        with pytest.raises(InputError, match=r"stopped before max_cost \(10\.00 dollars\)"):
            list(model.ask(requests(100), as_it_is))
        cost = sum(server.paid().values()) * (100 * 1000.0 + 50 * 10_000.0) / 1e6
        assert 7.0 < cost <= 10.0
        # Another run has a new budget and goes on where this one stopped.
        before = sum(server.paid().values())
        with pytest.raises(InputError):
            list(model.ask(requests(100), as_it_is))
        assert sum(server.paid().values()) > before
        assert max(server.paid().values()) == 1


def test_what_may_have_been_billed_counts_against_the_budget(tmp_path: Path) -> None:
    with Server(lambda asked: Reaction(body=good(asked), truncate=20)) as server:
        model = served(server, tmp_path, prices={"output": 10_000.0}, max_cost=5.0, tries=9)  # 2.0 each at most
        with pytest.raises(InputError, match="max_cost"):
            list(model.ask(requests(5), as_it_is))
        assert len(server.log) == 1 + 2


def test_the_preflight_names_near_models_before_anything_is_paid(tmp_path: Path) -> None:
    with Server(models=("tester-large", "tester-small", "other")) as server:
        with pytest.raises(InputError, match=r"does not serve the model 'tester'; near names are: tester-\w+, tester-"):
            list(served(server, tmp_path).ask(requests(3), as_it_is))
        assert not server.paid()


def test_a_server_that_keeps_no_list_of_models_is_believed(tmp_path: Path) -> None:
    with Server() as server:
        server.routes["/v1/models"] = lambda _: Reaction(404, error("no such path"))
        assert next(served(server, tmp_path).ask(requests(1), as_it_is)).value


def test_without_its_key_the_error_names_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with Server() as server:
        with pytest.raises(InputError, match=r"SOME_KEY holds no key: set it; or use what was recorded"):
            list(served(server, tmp_path, key_variable="SOME_KEY").ask(requests(1), as_it_is))
        monkeypatch.setenv("SOME_KEY", "sk-1")
        list(served(server, tmp_path, key_variable="SOME_KEY").ask(requests(1), as_it_is))
        monkeypatch.delenv("SOME_KEY")
        assert next(served(server, tmp_path, key_variable="SOME_KEY").ask(requests(1), as_it_is)).cached


def test_a_server_that_repeats_the_key_does_not_get_it_into_cache_or_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-very-secret")
    with Server(lambda asked: Reaction(body=completion(asked.headers["authorization"]))) as server:
        outcome = next(served(server, tmp_path, key_variable="SOME_KEY").ask(requests(1), as_it_is))
        assert outcome.value == "Bearer [key]"
        server.plan = lambda asked: Reaction(401, error(f"Incorrect API key: {asked.headers['authorization']}"))
        with pytest.raises(InputError) as caught:
            list(served(server, tmp_path, key_variable="SOME_KEY").ask(requests(2), as_it_is))
    assert "sk-very-secret" not in str(caught.value)
    assert b"sk-very-secret" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_servers_limits_in_headers_are_kept(tmp_path: Path) -> None:
    headers = {"x-ratelimit-limit-requests": "1200", "x-ratelimit-remaining-requests": "7"}
    with Server(lambda asked: Reaction(body=good(asked), headers=headers)) as server:
        list(ServedModel(openai_preset(server.url, in_flight=1), tmp_path).ask(requests(20), as_it_is))
        times = [entry.at for entry in server.log if entry.paid]
    assert times[-1] - times[0] > 16 / 20  # the first is free, and a tenth of a second may be made up for


def test_json_answers_are_asked_for_by_schema(tmp_path: Path) -> None:
    with Server() as server:
        server.keep_asked = True
        next(served(server, tmp_path).ask(requests(1, SCHEMA), role_of))
        sent = server.asked[-1].body
    assert sent["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}
    assert sent["max_completion_tokens"] == 200
    assert "temperature" not in sent
    assert json.dumps(sent)


def test_an_interrupted_run_waits_for_what_the_server_already_has(tmp_path: Path) -> None:
    main, served_items = threading.main_thread().ident, []

    def plan(asked: Asked) -> Reaction:
        served_items.append(asked.item)
        if len(served_items) == 4:
            threading.Timer(0.1, lambda: signal.pthread_kill(main or 0, signal.SIGINT)).start()
        return Reaction(body=good(asked), delay=0.5)

    with Server(plan) as server:
        with pytest.raises(KeyboardInterrupt):
            list(served(server, tmp_path, in_flight=4).ask(requests(50), as_it_is))
        assert len(served_items) == 4
        server.plan = lambda asked: Reaction(body=good(asked))
        list(served(server, tmp_path).ask(requests(50), as_it_is))
        assert server.paid() == {str(number): 1 for number in range(50)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_two_outcomes_keeps_what_the_server_already_has(
    tmp_path: Path, number: signal.Signals
) -> None:
    with Server(latency=0.1) as server:
        asking = served(server, tmp_path, in_flight=4).ask(requests(30), as_it_is)
        with pytest.raises(KeyboardInterrupt), closing(asking) as outcomes:
            next(outcomes)
            signal.raise_signal(number)
        server.latency = 0.0
        list(served(server, tmp_path).ask(requests(30), as_it_is))
        assert server.paid() == {str(number): 1 for number in range(30)}


def test_signals_are_the_stages_again_once_all_is_asked(tmp_path: Path) -> None:
    def handler(*_: object) -> None: ...

    before = signal.signal(signal.SIGTERM, handler)
    try:
        with Server() as server:
            list(served(server, tmp_path).ask(requests(2), as_it_is))
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)
