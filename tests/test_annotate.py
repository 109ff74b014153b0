import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages import annotate, chat_models
from stages.annotation import annotating
from stages.chat_models import client, sending
from stages.core.errors import InputError
from stages.records import files
from tests.chat_models.faults_plan import INVALID, UNREADABLE, fault_of, faulty
from tests.chat_models.server import ROLE, Asked, Reaction, Server, completion, error, good

KEY = "sk-never-to-be-seen"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the repository's top, where the stage is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("REQUEST_CACHE", raising=False)
    monkeypatch.setenv("SOME_KEY", KEY)
    return tmp_path


def write_corpus(folder: Path, count: int) -> list[dict[str, Any]]:
    items = [
        {"id": f"bundled-{n:05d}", "source": "test", "turns": [f"Explain item{n} to me.", "It is so, and thus."]}
        for n in range(count)
    ]
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data/corpus.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    return items


def write_parameters(folder: Path, url: str = "http://127.0.0.1:9/v1", **changes: Any) -> None:
    served = {"kind": "openai", "model": "tester", "base_url": url, "key_variable": "SOME_KEY", "token_limit": 300}
    served |= {"attempts": 3, "prices": {"input": 5.0, "output": 30.0}}
    presets = {"recorded": {"kind": "recorded"}, "openai": served | changes}
    (folder / "params.yaml").write_text(yaml.safe_dump({"annotators": presets}))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, annotator: str = "openai") -> None:
    monkeypatch.setattr(sys, "argv", ["annotate", "--annotator", annotator, "--corpus", "bundled", *arguments])
    annotate.main()


def annotated(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "data/annotated.jsonl").read_text().splitlines()]


def metrics(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics/annotate.json").read_text())


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """The stage as ``dvc`` runs it, in a process of its own."""
    command = [sys.executable, "-m", "stages.annotate", "--annotator", "openai", "--corpus", "bundled", *arguments]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_every_item_gets_its_role_in_the_corpus_order(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = write_corpus(repository, 60)
    with Server(faulty) as server:
        write_parameters(repository, server.url, timeout=2.0, max_backoff=0.1)
        run(monkeypatch)
    assert annotated(repository) == [item | {"role": ROLE.format(topic=f"subject {n}")} for n, item in enumerate(items)]
    told = metrics(repository)
    assert (told["items"], told["annotated"], told["failures"]) == (60, 60, {})
    assert told["requests"] == 60 + sum(fault_of(str(n)) in INVALID for n in range(60))
    assert told["cost"] == pytest.approx(told["requests"] * (100 * 5.0 + 50 * 30.0) / 1e6)
    assert (told["models"], told["system_fingerprints"]) == (["tester-2026-01-01"], ["fp_test"])


def test_outputs_do_not_depend_on_the_order_of_answers(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(repository, 40)
    outputs = set()
    with Server(lambda asked: Reaction(body=good(asked), delay=random.random() / 20)) as server:
        for in_flight in (1, 16):
            monkeypatch.setenv("REQUEST_CACHE", str(repository / f"cache-{in_flight}"))
            write_parameters(repository, server.url, in_flight=in_flight)
            run(monkeypatch)
            outputs.add(((repository / "data/annotated.jsonl").read_bytes(), json.dumps(metrics(repository))))
    assert len(outputs) == 1


def test_what_failed_is_written_down_and_ends_the_stage(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(asked: Asked) -> Reaction:
        if asked.item == "3":
            return Reaction(body=completion(None, refusal="No."))
        if asked.item == "5":
            return Reaction(body=completion(json.dumps({"role": "From now on, you are short."})))
        return Reaction(body=good(asked))

    write_corpus(repository, 10)
    with Server(plan) as server:
        write_parameters(repository, server.url)
        with pytest.raises(InputError, match=r"2 of 10 items got no role prompt \(refused: 1, too short: 1\)"):
            run(monkeypatch)
        assert not (repository / "data/annotated.jsonl").exists()
        assert metrics(repository)["failures"] == {"refused": 1, "too short": 1}
        failures = (repository / "logs/annotate_failures.jsonl").read_text().splitlines()
        assert [json.loads(line)["id"] for line in failures] == ["bundled-00003", "bundled-00005"]

        write_parameters(repository, server.url, tolerated_failures=0.2)
        run(monkeypatch)
        assert server.paid()["3"] == 3
    assert [item["id"][-1] for item in annotated(repository)] == list("01246789")
    assert metrics(repository)["failures"] == {"refused": 1, "too short": 1}


def test_the_dry_run_asks_nothing_and_tells_what_is_missing(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(repository, 10)
    with Server() as server:
        write_parameters(repository, server.url)
        run(monkeypatch)
        write_corpus(repository, 30)
        asked = len(server.log)
        capsys.readouterr()
        run(monkeypatch, "--dry-run")
        assert len(server.log) == asked
    told = capsys.readouterr().out
    assert "requests: 30, of which 10 cached and 20 missing" in told
    assert "1000 out" in told  # 20 times the 50 tokens of the cached answers
    assert "cost: about $0.04" in told


def test_recorded_annotations_rebuild_the_corpus_without_a_key(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(repository, 12)
    with Server() as server:
        write_parameters(repository, server.url)
        run(monkeypatch)
        from_server = (repository / "data/annotated.jsonl").read_bytes()
        run(monkeypatch, "--record")
        assert max(server.paid().values()) == 1
    recorded = [json.loads(line) for line in (repository / "data/annotations/bundled.jsonl").read_text().splitlines()]
    assert [record["index"] for record in recorded] == list(range(12))

    (repository / "data/annotated.jsonl").unlink()
    monkeypatch.delenv("SOME_KEY")
    run(monkeypatch, annotator="recorded")
    assert (repository / "data/annotated.jsonl").read_bytes() == from_server
    assert metrics(repository)["requests"] == 0


def test_without_recorded_annotations_the_error_names_both_ways(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(repository, 12)
    write_parameters(repository)
    with pytest.raises(InputError) as caught:
        run(monkeypatch, annotator="recorded")
    assert "12 of 12 items of corpus 'bundled'" in str(caught.value)
    assert "--record" in str(caught.value)
    assert "data/annotations/bundled.jsonl" in str(caught.value)
    with pytest.raises(InputError, match="--record writes"):
        run(monkeypatch, "--record", annotator="recorded")


def test_the_recorded_annotator_imports_nothing_heavy(repository: Path) -> None:
    write_corpus(repository, 1)
    write_parameters(repository)
    program = (
        "import sys; from stages import annotate\n"
        "try: annotate.main()\n"
        "except Exception: pass\n"
        "print(sorted({'openai', 'torch', 'transformers', 'numpy', 'tqdm', 'aiohttp'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program, "--annotator", "recorded", "--corpus", "bundled"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_key_is_seen_nowhere(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("OPENAI_LOG", "debug")
    write_corpus(repository, 6)

    def plan(asked: Asked) -> Reaction:
        if asked.item == "5":
            return Reaction(401, error(f"Incorrect API key provided: {asked.headers['authorization']}"), delay=0.3)
        return Reaction(body=good(asked))

    with Server(plan) as server:
        server.keep_asked = True
        write_parameters(repository, server.url)
        told = start(repository).communicate()[0]
        assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {KEY}"}
    assert "Incorrect API key provided: Bearer [key]" in told
    files = [path.read_bytes() for path in repository.rglob("*") if path.is_file()]
    assert KEY not in told
    assert not any(KEY.encode() in content for content in files)


def test_two_processes_that_share_the_cache_pay_once(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUEST_CACHE", str(repository / "cache"))
    folders = [repository / name for name in ("one", "two")]
    with Server(latency=0.1) as server:
        for folder in folders:
            folder.mkdir()
            write_corpus(folder, 40)
            write_parameters(folder, server.url, in_flight=8)
        processes = [start(folder) for folder in folders]
        told = [process.communicate()[0] for process in processes]
        assert [process.returncode for process in processes] == [0, 0], told
        assert server.paid() == {str(n): 1 for n in range(40)}
    first, second = ((folder / "data/annotated.jsonl").read_bytes() for folder in folders)
    assert first == second


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_the_stage_and_keeps_what_is_in_flight(
    repository: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    write_corpus(repository, 40)
    with Server(latency=1.0) as server:
        write_parameters(repository, server.url, in_flight=8)
        process = start(repository)
        wait_for_requests(process, server, 1 + 8)
        process.send_signal(number)
        told = process.communicate(timeout=30)[0]
        assert process.returncode == 130, told
        assert "waiting for 8 requests that the server already has" in told
        assert told.splitlines()[-1] == "interrupted: run it again to go on"
        assert "Traceback" not in told
        assert sum(server.paid().values()) == 8
        server.latency = 0.0
        run(monkeypatch)
        assert server.paid() == {str(n): 1 for n in range(40)}


def test_a_second_signal_ends_in_a_line(repository: Path) -> None:
    write_corpus(repository, 40)
    with Server(latency=60.0) as server:
        write_parameters(repository, server.url, in_flight=8)
        process = start(repository)
        wait_for_requests(process, server, 1 + 8)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        while "waiting for 8 requests" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=30)[0]
    assert process.returncode == 130
    assert told.splitlines()[-1] == "interrupted: run it again to go on"
    assert "Traceback" not in told
    assert "rror" not in told


PLACES = {
    "drawing a request": (annotating, "request_role"),
    "checking an answer": (annotating, "check_role"),
    "telling of a failure": (annotating, "json_line"),
    "counting an outcome": (chat_models.Bill, "count"),
    "writing the corpus": (files, "json_line"),
    "writing the metrics": (annotate, "write_json"),
    "judging the end": (annotate, "demand_enough"),
    "reading a reply": (client.Store, "get"),
    "claiming": (client.Store, "claimed"),
    "keeping a reply": (client.Store, "keep"),
    "a transaction": (client.Store, "_write"),
    "flushing": (client.Store, "flush"),
    "closing the store": (client.Store, "close"),
    "connecting": (client.Session, "_connect"),
    "asking for the model": (client.Sender, "preflight"),
    "sending": (client.Sender, "send"),
    "waiting for a turn": (sending.Pacer, "turn"),
    "reserving money": (sending.Spending, "reserve"),
    "on the wire": (client.Sender, "_exchange"),
    "heeding headers": (sending.Pacer, "heed"),
    "parsing": (sending, "read_payload"),
    "deciding what to do about a fault": (sending, "remedy"),
    "waiting for another try": (sending, "backoff"),
    "drawing the bar": (client.tqdm, "update"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("nth", [0, 7])
def test_an_exception_anywhere_ends_the_stage_within_seconds_and_loses_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch, place: str, nth: int
) -> None:
    """Raised once, at the first or a later call of each function that waits or writes."""

    def plan(asked: Asked) -> Reaction:
        if asked.before == 0 and int(asked.item) % 2 == 0:
            return Reaction(500, error("busy"))
        if asked.item == "7":
            return Reaction(body=completion(None, refusal="no"))
        return Reaction(body=good(asked), delay=0.01)

    write_corpus(repository, 20)
    calls = count(0)
    owner, name = PLACES[place]
    original = getattr(owner, name)

    def failing(*arguments: Any, **named: Any) -> Any:
        if next(calls) == nth:
            raise InjectedError(place)
        return original(*arguments, **named)

    with Server(plan) as server:
        write_parameters(repository, server.url, in_flight=4, max_backoff=0.01, tolerated_failures=0.1)
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, failing)
            begun = time.monotonic()
            raised = False
            try:
                run(patched)
            except InjectedError:
                raised = True
            assert time.monotonic() - begun < 15.0
            assert raised == (next(calls) > nth)
        run(monkeypatch)
        paid = server.paid()
    assert len(annotated(repository)) == 19
    assert paid.pop("7") <= 3 + 1
    # What was answered, and could not be stored because of the exception, is asked again.
    assert sum(paid.values()) <= 19 + 4
    assert max(paid.values()) <= 2


class InjectedError(Exception):
    pass


def test_a_full_disk_in_the_middle_ends_in_a_message_and_keeps_what_was_stored(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(repository, 200)
    connect = client.Store._connect

    def small(store: client.Store) -> sqlite3.Connection:
        db = connect(store)
        db.execute("PRAGMA max_page_count = 10")
        return db

    with Server() as server:
        write_parameters(repository, server.url, in_flight=4)
        with monkeypatch.context() as patched:
            patched.setattr(client.Store, "_connect", small)
            begun = time.monotonic()
            with pytest.raises(InputError, match=r"database or disk is full.*what was stored before is kept"):
                run(patched)
            assert time.monotonic() - begun < 15.0
        paid = sum(server.paid().values())
        assert paid > 10
        run(monkeypatch)
        assert sum(server.paid().values()) <= 200 + 4 + 1
    assert len(annotated(repository)) == 200


def test_a_reply_in_odd_forms_is_paid_once(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prose around JSON, half a character outside of the role, parts, no model's name: all of it is read."""

    def plan(asked: Asked) -> Reaction:
        role = json.dumps({"role": ROLE.format(topic=f"subject {asked.item}")})
        texts = [
            f"Here is the role prompt:\n```json\n{role}\n```",
            f"{role}\n\nI hope this {{helps}}!",
            f"Sure \ud83d {role}",
            f"<think>{{Hm}}</think>{role}",
        ]
        body = completion(texts[int(asked.item) % 4])
        if int(asked.item) % 3 == 0:
            body["choices"][0]["message"]["content"] = [{"type": "text", "text": texts[int(asked.item) % 4]}]
            del body["model"]
        return Reaction(body=body)

    items = write_corpus(repository, 24)
    with Server(plan) as server:
        write_parameters(repository, server.url)
        run(monkeypatch)
        run(monkeypatch)
        assert server.paid() == {str(n): 1 for n in range(24)}
    assert annotated(repository) == [item | {"role": ROLE.format(topic=f"subject {n}")} for n, item in enumerate(items)]


def test_help_answers_at_once_and_imports_nothing_heavy(repository: Path) -> None:
    program = (
        "import sys; from stages import annotate, rival\n"
        "try: annotate.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'openai', 'torch', 'transformers', 'numpy', 'aiohttp', 'tqdm', 'sqlite3'} & set(sys.modules)))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    told = subprocess.run(
        [sys.executable, "-c", program, "--help"], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    ("items", "kills"), [(80, 3), pytest.param(1030, 50, marks=pytest.mark.crash)], ids=["few", "fifty"]
)
def test_kills_lose_at_most_what_was_in_flight(
    repository: Path, monkeypatch: pytest.MonkeyPatch, items: int, kills: int
) -> None:
    """Killed again and again, the stage makes the same corpus, and pays again only for what was in flight."""
    write_corpus(repository, items)
    with Server() as server:
        write_parameters(repository, server.url)
        monkeypatch.setenv("REQUEST_CACHE", str(repository / "undisturbed"))
        run(monkeypatch)
    undisturbed = (repository / "data/annotated.jsonl").read_bytes(), metrics(repository)
    (repository / "data/annotated.jsonl").unlink()

    monkeypatch.setenv("REQUEST_CACHE", str(repository / "killed"))
    generator, in_flight = random.Random(items), 8
    lives: list[set[str]] = []
    died = 0
    with Server(faulty, latency=0.02) as server:
        write_parameters(repository, server.url, in_flight=in_flight, timeout=5.0, max_backoff=0.05)
        while len(lives) <= kills:
            before = len(server.log)
            if len(lives) < kills:
                died += kill(start(repository), server, before + generator.randint(1, 2 * items // kills), generator)
            else:
                run(monkeypatch)
            lives.append(
                {e.item for e in server.log[before:] if e.paid and fault_of(e.item) not in INVALID | UNREADABLE}
            )
    assert died >= kills * 3 // 4
    assert ((repository / "data/annotated.jsonl").read_bytes(), metrics(repository)["annotated"]) == (
        undisturbed[0],
        items,
    )
    seen: set[str] = set()
    for life in lives:
        assert len(life & seen) <= in_flight
        seen |= life


def kill(process: "subprocess.Popen[str]", server: Server, count: int, generator: random.Random) -> bool:
    """Kill a stage once the server has seen so many requests; whether it had not ended by then."""
    wait_for_requests(process, server, count)
    time.sleep(generator.random() / 20)
    process.kill()
    told = process.communicate()[0]
    assert process.returncode in {0, -signal.SIGKILL}, told
    time.sleep(0.05)
    return process.returncode != 0


def wait_for_requests(process: "subprocess.Popen[str]", server: Server, count: int) -> None:
    while len(server.log) < count and process.poll() is None:
        time.sleep(0.002)
