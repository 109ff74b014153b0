import asyncio
import threading
from pathlib import Path

import pytest

from stages.chat_models.replies import Replies
from tests.chat_models.support import as_it_is, openai_preset, request, requests
from tests.chat_models.test_reading import reply


def opened(folder: Path) -> Replies:
    return Replies(openai_preset("http://localhost:1/v1"), folder)


def test_a_reply_is_on_the_disk_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replies, may_sync, syncs = opened(tmp_path), threading.Event(), []

    def sync() -> None:
        may_sync.wait(10.0)
        syncs.append(len(replies.cache))

    monkeypatch.setattr(replies.cache, "sync", sync)

    async def main() -> None:
        missing = [replies.walk(one, as_it_is).missing for one in requests(20)]
        keeping = [asyncio.create_task(replies.keep(one.key, reply(one.key))) for one in missing if one]
        await asyncio.sleep(0.1)
        assert not any(task.done() for task in keeping)
        may_sync.set()
        await asyncio.gather(*keeping)

    asyncio.run(main())
    assert syncs == [20]  # one for all that came together


def test_a_disk_that_fails_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = opened(tmp_path)

    def sync() -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(replies.cache, "sync", sync)
    with pytest.raises(OSError, match="the disk is gone"):
        asyncio.run(replies.keep("0" * 64, reply()))


def test_a_disk_that_fails_is_told_to_all_who_still_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replies, may_fail = opened(tmp_path), threading.Event()

    def sync() -> None:
        may_fail.wait(10.0)
        raise OSError("the disk is gone")

    monkeypatch.setattr(replies.cache, "sync", sync)

    async def main() -> list[BaseException | None]:
        keeping = [asyncio.create_task(replies.keep(str(number) * 64, reply())) for number in range(3)]
        await asyncio.sleep(0.1)
        keeping[0].cancel()
        await asyncio.sleep(0)
        may_fail.set()
        return await asyncio.wait_for(asyncio.gather(*keeping, return_exceptions=True), 10.0)

    cancelled, *told = asyncio.run(main())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert [str(error) for error in told] == ["the disk is gone"] * 2


def test_a_walk_follows_the_attempts(tmp_path: Path) -> None:
    replies = Replies(openai_preset("http://localhost:1/v1", attempts=2), tmp_path)
    first = replies.walk(request("1"), as_it_is)
    assert first.missing
    assert first.missing.request == request("1")
    replies.cache.put(first.missing.key, reply(finish_reason="length"))

    second = replies.walk(request("1"), as_it_is)
    assert second.missing
    assert second.missing.key != first.missing.key
    assert second.failure == "cut off"
    replies.cache.put(second.missing.key, reply("fine"))

    end = replies.walk(request("1"), as_it_is)
    assert (end.value, end.failure, end.missing, len(end.replies)) == ("fine", None, None, 2)
