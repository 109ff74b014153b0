import asyncio
import contextlib
import hashlib
import json
import logging
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.chat_models import ChatReply, cache_folder
from stages.chat_models.store import Store, StoreError

KEY = "ab" * 32
HOLDER = (
    "import asyncio, sys, time; from pathlib import Path; from stages.chat_models.store import Store\n"
    "async def main():\n"
    "    async with Store(Path(sys.argv[1])).claimed(sys.argv[2]): print('held', flush=True); time.sleep(60)\n"
    "asyncio.run(main())\n"
)
WRITER = (
    "import asyncio, sys; from pathlib import Path; from stages.chat_models.store import Store\n"
    "from tests.chat_models.test_store import key, reply\n"
    "store = Store(Path(sys.argv[1]))\n"
    "async def main():\n"
    "    for n in range(10**6): await store.keep(key(n), reply('x' * 1000)); print(n, flush=True)\n"
    "asyncio.run(main())\n"
)


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def reply(text: str) -> ChatReply:
    return ChatReply(text=text, finish_reason="stop", prompt_tokens=3, completion_tokens=4, model="m")


def count(store: Store) -> int:
    return int(store._reader.execute("SELECT count(*) FROM replies").fetchone()[0])


def keep(store: Store, *numbers: int) -> None:
    async def main() -> None:
        await asyncio.gather(*(store.keep(key(number), reply(str(number))) for number in numbers))

    asyncio.run(main())


def test_what_was_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put((key(number), reply(f"Grüße {number}\n" * 3)) for number in range(5000))
    store.put([(key(5000), reply("x" * 3_000_000))])
    again = Store(tmp_path)
    assert count(again) == 5001
    assert all(again.get(key(number)) == reply(f"Grüße {number}\n" * 3) for number in range(5000))
    assert again.get(key(5000)) == reply("x" * 3_000_000)
    assert again.get(key(5001)) is None


def test_another_process_sees_what_was_written_meanwhile(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    keep(one, 1)
    assert other.get(key(1)) == reply("1")


def test_replies_that_come_together_share_one_transaction_and_return_once_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, may_write, sizes = Store(tmp_path), threading.Event(), []
    write = store._write

    def waiting(changes: list[object]) -> list[object]:
        may_write.wait(10.0)
        sizes.append(len(changes))
        return write(changes)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "_write", waiting)

    async def main() -> None:
        keeping = [asyncio.create_task(store.keep(key(number), reply(""))) for number in range(20)]
        await asyncio.sleep(0.1)
        assert not any(task.done() for task in keeping)
        may_write.set()
        await asyncio.gather(*keeping)

    asyncio.run(main())
    assert len(sizes) == 1


def fill_the_disk(store: Store) -> None:
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_told_to_all_who_wait_and_loses_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put([(key(0), reply("kept"))])
    fill_the_disk(store)

    async def main() -> list[BaseException | None]:
        keeping = [asyncio.create_task(store.keep(key(n), reply("x" * 10_000))) for n in range(1, 5)]
        await asyncio.sleep(0)
        keeping[0].cancel()
        return await asyncio.wait_for(asyncio.gather(*keeping, return_exceptions=True), 10.0)

    cancelled, *told = asyncio.run(main())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert {type(error) for error in told} == {StoreError}
    assert "disk is full): see that the disk has room" in str(told[0])
    assert Store(tmp_path).get(key(0)) == reply("kept")


def stored(folder: Path) -> Path:
    """The file of a store with replies and the note of a batch."""
    store = Store(folder)
    store.put((key(number), reply("x" * 500)) for number in range(500))
    store.note_batch("http://a/v1", "file-1", "batch-1")
    store.close()
    return store.path


def overwrite(path: Path, place: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


def statement(text: str) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute(text)

    return run


DAMAGED = r"replies\.sqlite is damaged \(.*\): rescue it with .* or move it away and pay again for what it holds"
ANOTHER_VERSION = r"replies\.sqlite is of another version of this project .*: go on with that version, or move"
DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no database": (lambda path: path.write_bytes(b"no database at all" * 100), DAMAGED),
    "empty": (lambda path: path.write_bytes(b""), DAMAGED),
    "cut": (lambda path: os.truncate(path, path.stat().st_size - 50_000), DAMAGED),
    "one page alone": (lambda path: os.truncate(path, 4096), DAMAGED),
    "a page torn": (lambda path: overwrite(path, 5 * 4096, b"\xff" * 4096), DAMAGED),
    "the first page of a table torn": (lambda path: overwrite(path, 4096, bytes(4096)), DAMAGED),
    "of a newer SQLite": (lambda path: overwrite(path, 18, b"\5\5"), DAMAGED),
    "with a column more": (statement("ALTER TABLE replies ADD COLUMN more"), ANOTHER_VERSION),
    "with another name": (statement("ALTER TABLE batches RENAME COLUMN batch TO id"), ANOTHER_VERSION),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_store_is_named_and_nothing_in_it_overwritten(tmp_path: Path, kind: str) -> None:
    damage, told = DAMAGE[kind]
    path = stored(tmp_path)
    damage(path)
    left = path.read_bytes()
    with pytest.raises(StoreError, match=told):
        [Store(tmp_path).get(key(number)) for number in range(500)]
    assert path.read_bytes() == left


def test_replies_that_wait_beside_a_file_that_lost_its_content_are_kept(tmp_path: Path) -> None:
    store, copy = Store(tmp_path / "one"), tmp_path / "copy"
    store.put((key(number), reply("x" * 500)) for number in range(100))
    shutil.copytree(store.folder, copy)  # as a process that is killed leaves it
    waiting = (copy / "replies.sqlite-wal").read_bytes()
    assert len(waiting) > 100 * 500
    (copy / "replies.sqlite").write_bytes(b"")
    with pytest.raises(StoreError, match=r"replies\.sqlite is damaged \(it is empty\)"):
        Store(copy)
    assert (copy / "replies.sqlite-wal").read_bytes() == waiting


@pytest.mark.parametrize("change", ["batch = CAST(x'ff00' AS TEXT)", "batch = x'ff00'", "input_file = NULL"])
def test_a_damaged_note_of_a_batch_is_told_and_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    path = stored(tmp_path)
    statement(f"UPDATE batches SET {change}")(path)
    store = Store(tmp_path)
    store.note_batch("http://a/v1", "file-2", "batch-2")
    assert store.batches("http://a/v1") == [("file-2", "batch-2")]
    assert f"{path}: the note of a batch is damaged, and is passed over" in caplog.text
    assert store.get(key(7)) == reply("x" * 500)


@pytest.mark.parametrize("damage", ["substr(reply, 1, 9)", "CAST(x'ff00' AS TEXT)"])
def test_a_damaged_reply_counts_as_not_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    store = Store(tmp_path)
    keep(store, 1, 2)
    with sqlite3.connect(store.path) as db:
        db.execute(f"UPDATE replies SET reply = {damage} WHERE key = ?", (bytes.fromhex(key(1)),))
    assert (store.get(key(1)), store.get(key(2))) == (None, reply("2"))
    assert "a reply is damaged" in caplog.text
    keep(store, 1)
    assert store.get(key(1)) == reply("1")


def write_many(folder: Path, start: int) -> None:
    keep(Store(folder), *range(start, start + 300))


def test_several_processes_may_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(tmp_path, start)) for start in (0, 1000, 2000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    store = Store(tmp_path)
    assert count(store) == 900
    assert all(store.get(key(start + n)) == reply(str(start + n)) for start in (0, 1000, 2000) for n in range(300))


def test_a_killed_writer_loses_nothing_that_keep_returned_for(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    told = [next(writer.stdout) for _ in range(50)]
    writer.kill()
    told += list(writer.stdout)
    writer.wait()
    store = Store(tmp_path)
    assert all(store.get(key(int(line))) for line in told if line.endswith("\n"))


def test_the_same_key_is_claimed_once_and_others_are_free(tmp_path: Path) -> None:
    events: list[str] = []

    async def hold(store: Store, claimed: str, name: str) -> None:
        async with store.claimed(claimed):
            events.append(f"{name} in")
            await asyncio.sleep(0.1)
            events.append(f"{name} out")

    async def main() -> None:
        store = Store(tmp_path)
        await asyncio.gather(hold(store, KEY, "a"), hold(store, KEY, "b"), hold(store, "cd" * 32, "c"))

    asyncio.run(main())
    assert events.index("a out") < events.index("b in")
    assert events.index("c in") < events.index("a out")


def test_a_claim_dies_with_its_process_and_not_before(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path), KEY], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    async def claim(seconds: float) -> bool:
        store = Store(tmp_path)
        try:
            async with asyncio.timeout(seconds), store.claimed(KEY):
                return True
        except TimeoutError:
            return False
        finally:
            await store.flush()
            store.close()

    assert not asyncio.run(claim(0.3))
    holder.kill()
    holder.wait()
    assert asyncio.run(claim(60.0))
    assert list(tmp_path.glob("owner-*")) == []


def test_a_claim_ends_where_asking_failed(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            async with one.claimed(KEY):
                raise ZeroDivisionError
        await one.flush()
        async with asyncio.timeout(10.0), other.claimed(KEY):
            pass

    asyncio.run(main())


def test_batches_are_noted_by_server_and_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.note_batch("http://a/v1", "../../x", None)
    store.note_batch("http://b/v1", "file-1", "batch-1")
    store.note_batch("http://a/v1", "../../x", "batch-0")
    assert Store(tmp_path).batches("http://a/v1") == [("../../x", "batch-0")]
    store.forget_batch("http://a/v1", "../../x")
    assert (store.batches("http://a/v1"), store.batches("http://b/v1")) == ([], [("file-1", "batch-1")])


def test_a_cache_of_the_old_form_is_taken_over_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        json.dumps({"key": key(number), "reply": reply(f"\u2028 {number}").model_dump(exclude_defaults=True)})
        for number in range(3)
    ]
    torn = '{"key": "0123'
    (tmp_path / "replies.jsonl").write_text("\n".join([lines[0], "\0\0\0", "[" * 5000, *lines[1:], torn]))
    (tmp_path / "batches").mkdir()
    (tmp_path / "batches/file-1.json").write_text('{"base_url": "http://a/v1", "input_file": "file-1", "batch": null}')
    for number, text in enumerate(
        ('{"base_url": ', '["a"]', '{"base_url": {}, "input_file": "a", "batch": "b"}'), start=2
    ):
        (tmp_path / f"batches/file-{number}.json").write_text(text)
    (tmp_path / "batches/unreadable.json").mkdir()
    with caplog.at_level(logging.INFO):
        store = Store(tmp_path)
    assert f"took over what {tmp_path}/replies.jsonl held" in caplog.text
    damaged = ("replies.jsonl, line 2", "replies.jsonl, line 3", "replies.jsonl, line 6")
    damaged += tuple(f"file-{number}.json, line 1" for number in (2, 3, 4))
    assert "unreadable.json cannot be read, left out" in caplog.text
    assert [line.count("damaged, left out") for line in caplog.text.splitlines()].count(1) == len(damaged)
    assert all(f"{place}: damaged, left out" in caplog.text for place in damaged)
    assert [store.get(key(number)) for number in range(3)] == [reply(f"\u2028 {number}") for number in range(3)]
    assert store.batches("http://a/v1") == [("file-1", None)]
    caplog.clear()
    (tmp_path / "batches/unreadable.json").rmdir()
    with caplog.at_level(logging.INFO):
        assert count(Store(tmp_path)) == 3
    assert caplog.text == ""


def test_an_experiment_in_a_copy_shares_the_store_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUEST_CACHE", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert cache_folder() == Path(".cache/requests")
    monkeypatch.setenv("DVC_ROOT", "/home/me/repository")
    assert cache_folder() == Path("/home/me/repository/.cache/requests")
    monkeypatch.setenv("REQUEST_CACHE", "/scratch/replies")
    assert cache_folder() == Path("/scratch/replies")
