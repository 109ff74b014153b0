import hashlib
import logging
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from stages.chat_models.interface import ChatReply
from stages.chat_models.request_cache import RequestCache


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def reply(text: str) -> ChatReply:
    return ChatReply(text=text, finish_reason="stop", prompt_tokens=3, completion_tokens=4, model="m")


def test_what_was_put_is_there_for_the_next_process(tmp_path: Path) -> None:
    cache = RequestCache(tmp_path)
    for number in range(5000):
        cache.put(key(number), reply(f"Grüße {number}\n" * 3))
    cache.sync()
    again = RequestCache(tmp_path)
    assert len(again) == 5000
    assert all(again.get(key(number)) == reply(f"Grüße {number}\n" * 3) for number in range(5000))
    assert again.get(key(5000)) is None


def test_a_long_reply_comes_back_whole(tmp_path: Path) -> None:
    cache = RequestCache(tmp_path)
    cache.put(key(1), reply("x" * 3_000_000))
    cache.put(key(2), reply("y"))
    again = RequestCache(tmp_path)
    assert again.get(key(1)) == reply("x" * 3_000_000)
    assert again.get(key(2)) == reply("y")


@pytest.mark.parametrize("kept", [1, 40, 150])
def test_a_torn_last_line_is_dropped_with_a_warning(
    tmp_path: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    cache = RequestCache(tmp_path)
    cache.put(key(1), reply("first"))
    whole = cache.path.read_bytes()
    cache.put(key(2), reply("second"))
    cache.path.write_bytes(cache.path.read_bytes()[: len(whole) + kept])

    with caplog.at_level(logging.WARNING):
        again = RequestCache(tmp_path)
    assert "dropped an unfinished last line" in caplog.text
    assert cache.path.read_bytes() == whole
    assert again.get(key(1)) == reply("first")
    assert again.get(key(2)) is None
    again.put(key(3), reply("third"))
    assert RequestCache(tmp_path).get(key(3)) == reply("third")


def test_a_line_that_another_process_left_torn_does_not_swallow_the_next(tmp_path: Path) -> None:
    cache = RequestCache(tmp_path)
    cache.put(key(1), reply("first"))
    with cache.path.open("ab") as file:
        file.write(b'{"key": "0123')
    cache.put(key(2), reply("second"))
    again = RequestCache(tmp_path)
    assert again.get(key(1)) == reply("first")
    assert again.get(key(2)) == reply("second")


def test_damage_in_the_middle_costs_one_reply(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = RequestCache(tmp_path)
    for number in range(3):
        cache.put(key(number), reply(str(number)))
    lines = cache.path.read_bytes().split(b"\n")
    lines[1] = b"\0" * len(lines[1])  # as after a power loss
    cache.path.write_bytes(b"\n".join(lines))
    again = RequestCache(tmp_path)
    assert "skipped a damaged line" in caplog.text
    assert [again.get(key(number)) for number in range(3)] == [reply("0"), None, reply("2")]


def test_a_line_that_looks_whole_and_is_not_counts_as_not_asked(tmp_path: Path) -> None:
    cache = RequestCache(tmp_path)
    cache.put(key(1), reply("first"))
    cache.path.write_bytes(cache.path.read_bytes().replace(b'"first"', b'"fi'))
    assert RequestCache(tmp_path).get(key(1)) is None


def test_another_process_sees_what_was_written_meanwhile(tmp_path: Path) -> None:
    one, other = RequestCache(tmp_path), RequestCache(tmp_path)
    one.put(key(1), reply("first"))
    assert other.get(key(1)) is None
    assert other.look_again(key(1)) == reply("first")


def write_many(folder: Path, start: int) -> None:
    cache = RequestCache(folder)
    for number in range(start, start + 300):
        cache.put(key(number), reply(f"{number} " * 50))


def test_several_processes_may_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(tmp_path, start)) for start in (0, 1000, 2000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    cache = RequestCache(tmp_path)
    assert len(cache) == 900
    assert all(
        cache.get(key(start + n)) == reply(f"{start + n} " * 50) for start in (0, 1000, 2000) for n in range(300)
    )


def test_a_killed_writer_loses_nothing_that_put_returned_for(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from stages.chat_models.request_cache import RequestCache\n"
        "from tests.chat_models.test_request_cache import key, reply\n"
        "cache = RequestCache(Path(sys.argv[1]))\n"
        "for number in range(10**6): cache.put(key(number), reply('x' * 1000)); print(number, flush=True)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    told = [next(writer.stdout) for _ in range(200)]
    writer.kill()
    told += list(writer.stdout)
    writer.wait()
    cache = RequestCache(tmp_path)
    assert all(cache.get(key(int(line))) for line in told if line.endswith("\n"))
