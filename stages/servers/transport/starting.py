"""A server that runs for as long as a stage needs it."""

import asyncio
import logging
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stages.core.errors import InputError
from stages.core.ports import free_port
from stages.servers.transport import keeping

logger = logging.getLogger("server")

LOGS = Path("logs")
POLL = 1.0
"""Seconds between two looks whether it answers."""
TOLD = 2000
"""Characters of its log that an error shows."""


@asynccontextmanager
async def start(command: str, base_url: str, model: Path, timeout: float) -> AsyncIterator[str]:
    """Run the command on a free port and give its address once it answers; end it, with its children, afterwards.

    It ends with this process too, however that ends.

    Raises:
        InputError: It cannot be run, ends, or does not answer in time; the end of what it said is shown.
    """
    port = free_port()
    parts = [filled(part, model, port) for part in shlex.split(command)]
    address = filled(base_url, model, port)
    LOGS.mkdir(exist_ok=True)
    log = LOGS / f"server-{model.name}.log"
    logger.info("starting %s (its log: %s)", shlex.join(parts), log)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-I", keeping.__file__, *parts],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # an interrupt is for the stage to handle
        )
    try:
        await _answers(process, address, log, timeout)
        yield address
    finally:
        await asyncio.to_thread(_end, process)


def filled(text: str, model: Path, port: int) -> str:
    """The text with what stands for the model's folder, its name and the port; other braces may be JSON."""
    return text.replace("{folder}", str(model)).replace("{name}", model.name).replace("{port}", str(port))


async def _answers(process: "subprocess.Popen[bytes]", address: str, log: Path, timeout: float) -> None:
    begun = time.monotonic()
    while not await asyncio.to_thread(_listens, address):
        late = time.monotonic() - begun > timeout
        if process.poll() is not None or late:
            said = log.read_text(encoding="utf-8", errors="replace")[-TOLD:]
            ended = f"did not answer at {address} within {timeout:.0f} s" if late else f"ended ({process.returncode})"
            raise InputError(f"servers.openai.command {ended}; the end of {log}:\n{said}")
        await asyncio.sleep(POLL)


def _listens(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/models", timeout=5.0).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _end(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
