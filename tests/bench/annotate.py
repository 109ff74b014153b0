"""How near annotating comes to what is possible: ``python -m tests.bench.annotate``; the last line is JSON.

``share_of_possible``: items a second against a local server of 200 ms latency with 64 in flight, as a share of the 320
that are possible, or of what a bare ``asyncio.gather`` over the same SDK reaches here, whichever is lower.
``share_of_rpm``: requests a minute under a limit, as a share of it, measured by the server's log; more than the limit
in any minute is an error.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import openai

from stages.annotation.annotating import RoleRequests
from stages.chat_models.client import ServedModel
from stages.chat_models.preset import OpenAIPreset
from stages.records.conversation import Conversation
from tests.chat_models.server import Server
from tests.chat_models.support import openai_preset

IN_FLIGHT, LATENCY = 64, 0.2
POSSIBLE = IN_FLIGHT / LATENCY
TEXT = "Tell me, in as many words as it takes, how this works and why. "


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=4800, help="requests of each kind, over all rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests-per-minute", type=int, default=1200)
    parser.add_argument("--seconds", type=int, default=75, help="how long to run under the limit")
    arguments = parser.parse_args()
    with server_process() as url:
        shares = [share_of_possible(url, arguments.items // arguments.rounds) for _ in range(arguments.rounds)]
    share_of_rpm = limited_share(arguments.requests_per_minute, arguments.seconds)
    print(json.dumps({"share_of_possible": round(median(shares), 4), "share_of_rpm": round(share_of_rpm, 4)}))


def share_of_possible(url: str, count: int) -> float:
    """One round: what else the machine does meanwhile weighs on both sides alike."""
    preset = openai_preset(url, in_flight=IN_FLIGHT, token_limit=4096)
    bare = {name: asyncio.run(bare_rate(preset, name, count)) for name in ("httpx2", "aiohttp")}
    annotated = annotating_rate(preset, count)
    report = ", ".join(f"{name} {rate:.1f}" for name, rate in bare.items())
    print(f"requests a second: possible {POSSIBLE:.0f}; bare SDK over {report}; annotating {annotated:.1f}")
    return annotated / min(POSSIBLE, max(bare.values()))


@contextmanager
def server_process(latency: float = LATENCY) -> Iterator[str]:
    """The address of a server in a process of its own, which takes no time from the client's."""
    command = [sys.executable, "-m", "tests.chat_models.server", "--latency", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def conversations(count: int) -> Iterator[Conversation]:
    for number in range(count):
        yield Conversation(id=f"{number}", source="bench", turns=[f"item{number} {TEXT * 20}", TEXT * 20])


async def bare_rate(preset: OpenAIPreset, transport: str, count: int) -> float:
    """Requests a second of the SDK alone: the same messages, no cache, no checks, no limits but the number."""
    slots = asyncio.Semaphore(IN_FLIGHT)
    http_client: Any = openai.DefaultAioHttpClient() if transport == "aiohttp" else None
    async with openai.AsyncOpenAI(
        api_key="none", base_url=preset.base_url, max_retries=0, timeout=600.0, http_client=http_client
    ) as client:

        async def ask(messages: list[Any]) -> None:
            async with slots:
                await client.chat.completions.create(model=preset.model, messages=messages, max_completion_tokens=4096)

        everything = [[m.model_dump() for m in request.messages] for request in RoleRequests(conversations(count))]
        begin = time.perf_counter()
        await asyncio.gather(*(ask(messages) for messages in everything))
        return count / (time.perf_counter() - begin)


def annotating_rate(preset: OpenAIPreset, count: int) -> float:
    """Items a second from conversation to validated role prompt, each one synced to the disk first."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        outcomes = RoleRequests(conversations(count)).outcomes(ServedModel(preset, Path(folder)))
        annotated = sum(outcome.value is not None for _, outcome in outcomes)
        seconds = time.perf_counter() - begin
    if annotated != count:
        raise SystemExit(f"only {annotated} of {count} items were annotated")
    return count / seconds


def limited_share(limit: int, seconds: int) -> float:
    """The share of a limit of requests a minute that is used.

    Raises:
        SystemExit: More than the limit came in some minute.
    """
    count = limit * seconds // 60
    with Server(latency=LATENCY) as server:
        preset = openai_preset(server.url, in_flight=IN_FLIGHT, requests_per_minute=limit)
        annotating_rate(preset, count)
        times = sorted(entry.at for entry in server.log if entry.path.endswith("/chat/completions"))
    most = max(bisect_left(times, first + 60.0) - place for place, first in enumerate(times))
    share = (len(times) - 1) / (times[-1] - times[0]) * 60.0 / limit
    print(f"limit of {limit} requests a minute: {share * limit:.1f} on average, at most {most} in any minute")
    if most > limit:
        raise SystemExit(f"{most} requests in one minute pass the limit of {limit}")
    return share


if __name__ == "__main__":
    main()
