"""A server of OpenAI's API for tests: it does what a plan tells it to, faults included, and keeps its own log."""

import argparse
import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ROLE = "From now on, you are a teacher of {topic} who has answered beginners for many years and knows their doubts."


@dataclass
class Asked:
    """One request as the server saw it.

    Attributes:
        item: What the request is about.
        before: How many requests for the same item came earlier.
        number: How many requests came earlier at all.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    item: str
    before: int
    number: int


@dataclass
class Reaction:
    """What the server does.

    Attributes:
        delay: Seconds before the answer.
        cut: Whether the connection is closed in place of an answer.
        truncate: Bytes of the answer that are sent before the connection is closed; None for all.
        drip: Seconds between two bytes of an answer that never ends.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False
    truncate: int | None = None
    drip: float | None = None


@dataclass
class Entry:
    """A line of the server's log; ``paid`` where a whole answer with status 200 was sent."""

    at: float
    path: str
    item: str
    status: int
    paid: bool


Plan = Callable[[Asked], Reaction]


def completion(
    text: str | None,
    finish_reason: str = "stop",
    refusal: str | None = None,
    model: str = "tester-2026-01-01",
    prompt_tokens: int = 100,
    completion_tokens: int = 50,
) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "system_fingerprint": "fp_test",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": text, "refusal": refusal},
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def error(message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "error", "param": param, "code": code}}


def item_of(body: dict[str, Any]) -> str:
    """What a request is about: the word after ``item`` in the last user message that has it."""
    users = [str(m["content"]) for m in body.get("messages", []) if m["role"] == "user" and "item" in m["content"]]
    return users[-1].split("item", 1)[1].split()[0] if users else ""


def good(asked: Asked) -> dict[str, Any]:
    """A valid annotation, in the form that was asked for."""
    role = ROLE.format(topic=f"subject {asked.item}")
    wanted = asked.body.get("response_format", {"type": "text"})["type"]
    return completion(role if wanted == "text" else json.dumps({"role": role}))


class Server:
    """Listens on a free port of this machine, in a thread of its own, until the ``with`` block ends."""

    def __init__(self, plan: Plan | None = None, models: tuple[str, ...] = ("tester",), latency: float = 0.0) -> None:
        self.plan = plan or (lambda asked: Reaction(body=good(asked)))
        self.models = models
        self.latency = latency
        self.log: list[Entry] = []
        self.routes: dict[str, Plan] = {}
        self.asked: list[Asked] = []
        self.keep_asked = False
        self._seen: Counter[str] = Counter()
        self._number = 0
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> "Server":
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _hang_up(self) -> None:
        assert self._server is not None
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def paid(self) -> Counter[str]:
        """How often each item was paid for."""
        return Counter(entry.item for entry in self.log if entry.paid)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512, limit=2**20)
        )
        started.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                if not await self._answer(lines[0].split(" ")[1], headers, raw, writer):
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], raw: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        asked = self._read(path, headers, raw)
        entry = Entry(time.monotonic(), path, asked.item, 0, paid=False)
        self.log.append(entry)
        reaction = self._react(asked)
        if reaction.delay:
            await asyncio.sleep(reaction.delay)
        if reaction.cut:
            return False
        body = reaction.body if isinstance(reaction.body, bytes) else json.dumps(reaction.body).encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in reaction.headers.items())
        names = {name.lower() for name in reaction.headers}
        extra += "" if "content-type" in names else "content-type: application/json\r\n"
        extra += f"content-length: {len(body)}\r\n"
        head = f"HTTP/1.1 {reaction.status} X\r\n{extra}\r\n"
        while reaction.drip:
            writer.write(b"HTTP/1.1 200 X\r\n\r\n " if not entry.status else b" ")
            entry.status = 200
            await writer.drain()
            await asyncio.sleep(reaction.drip)
        writer.write(head.encode("latin-1") + body[: reaction.truncate])
        await writer.drain()
        entry.status = reaction.status
        entry.paid = reaction.status == 200 and reaction.truncate is None and "/chat/" in path
        return reaction.truncate is None

    def _read(self, path: str, headers: dict[str, str], raw: bytes) -> Asked:
        is_json = headers.get("content-type", "").startswith("application/json")
        body = json.loads(raw) if raw and is_json else {"raw": raw}
        item = item_of(body)
        asked = Asked(path, headers, body, item, self._seen[item], self._number)
        self._seen[item] += 1
        self._number += 1
        if self.keep_asked:
            self.asked.append(asked)
        return asked

    def _react(self, asked: Asked) -> Reaction:
        for prefix, plan in self.routes.items():
            if asked.path.startswith(prefix):
                return plan(asked)
        if asked.path == "/v1/models":
            data = [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in self.models]
            return Reaction(body={"object": "list", "data": data})
        if asked.path != "/v1/chat/completions":
            return Reaction(404, error("no such path"))
        reaction = self.plan(asked)
        reaction.delay = reaction.delay or self.latency
        return reaction


def main() -> None:
    """Serve good answers until killed; print the address first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0)
    with Server(latency=parser.parse_args().latency) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
