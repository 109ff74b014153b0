"""Completions of a server, asked through the store of replies, and the command that starts a server."""

import asyncio
import hashlib
import logging
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from stages.chat_models import ChatReply, cache_folder
from stages.chat_models.client import Session
from stages.chat_models.pacing import Clock, FormRefused, Unanswered, UnreadableReply
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.replies import Endpoint, cache_key, make_reply
from stages.chat_models.sending import Sender
from stages.core import parameters
from stages.core.errors import InputError
from stages.core.machine import free_port
from stages.servers import keeping
from stages.servers.preset import OpenAI

logger = logging.getLogger("server")

SHAPING = {".json", ".safetensors", ".jinja", ".model"}
"""Files of a model's folder that shape answers."""
SHARED = "key_variable extra in_flight requests_per_minute tokens_per_minute timeout tries preflight".split()  # noqa: SIM905
"""Keys of ``servers.openai`` that are a chat model's too."""
LOGS = Path("logs")
LAST = {"finish_reason": "length"}
"""What a reply says of its end where only log-probabilities were asked for."""
POLL = 1.0
"""Seconds between two looks whether a server answers that was just started."""
SHOWN = 2000
"""Characters of its log that an error shows."""


class Completing(Session):
    """What is open while one model's answers are asked for; the server's command runs once something is missing."""

    def __init__(self, preset: OpenAI, model: Path, token_limit: int, clock: Clock | None = None) -> None:
        self._own, self._model = preset, model
        self._name = preset.model.format(folder=model, name=model.name)
        self._weights = digest(model)
        values = {name: getattr(preset, name) for name in (*SHARED, "base_url")}
        values |= {"kind": "openai", "model": self._name, "token_limit": token_limit}
        chat = parameters.validate(values, OpenAIPreset, "servers.openai", parameters.PATH)
        super().__init__(chat, cache_folder(), clock or Clock())

    async def reply(self, body: dict[str, Any], read: Callable[[Any], ChatReply]) -> ChatReply:
        """What the server answers, or answered before."""
        body = {"model": self._name} | body | self._own.extra
        key = cache_key(body | {"weights": self._weights}, f"{self._own.base_url} {self._own.command}", 0)
        if (known := self.store.get(key)) is not None:
            return known
        try:
            return await self.fetch(key, lambda: self.send(body, Endpoint("/completions", most_prompt_tokens, read)))
        except (Unanswered, FormRefused) as error:
            raise InputError(
                f"{self._own.base_url} did not answer for {self._name}: {error}. Run again to go on from here"
            ) from None

    async def _connect(self) -> Sender:
        if self._own.command is not None:
            waiting = start(self._own.command, self._own.base_url, self._model, self._own.start_timeout)
            address = await self._open.enter_async_context(waiting)
            self.preset = self.preset.model_copy(update={"base_url": address})
        return await super()._connect()


def digest(model: Path) -> str:
    """SHA-256 of a model's folder: a model that is trained again under the same name gives other answers."""
    total = hashlib.sha256()
    for path in sorted(path for path in model.iterdir() if path.suffix in SHAPING):
        with path.open("rb") as file:
            total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def most_prompt_tokens(body: Mapping[str, Any]) -> int:
    """Upper bound on the tokens of one prompt or several: of a text, its bytes."""
    prompt = body["prompt"]
    if isinstance(prompt, str):
        return len(prompt.encode())
    return sum(len(part) if isinstance(part, list) else 1 for part in prompt)


@contextmanager
def _reading() -> Iterator[None]:
    """A field that is missing or of another type makes a completion unreadable, which the client asks for again."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnreadableReply(f"not a completion: {type(error).__name__}") from None


@_reading()
def read_answer(payload: Any) -> ChatReply:
    choice = payload["choices"][0]
    return make_reply(payload, choice, choice["text"], token_ids=choice.get("token_ids"))


@_reading()
def read_named_logprobs(payload: Any, tokens: Sequence[int]) -> ChatReply:
    """The log-probability of each of some tokens as what comes next; none where the server leaves one out."""
    given = (payload["choices"][0].get("logprobs") or {}).get("top_logprobs") or [{}]
    found = [given[0].get(f"token_id:{token}") for token in tokens]
    return make_reply(payload, LAST, "", logprobs=None if None in found else tuple(map(float, found)))


@_reading()
def read_logprobs(payload: Any, spans: Sequence[tuple[int, int]]) -> ChatReply:
    """For each prompt that was echoed, the log-probability of its tokens in a span of places.

    Raises:
        InputError: The server gave none.
    """
    choices = sorted(payload["choices"], key=lambda choice: choice["index"])
    given = [(choice.get("logprobs") or {}).get("token_logprobs") or [] for choice in choices]
    tokens = [values[begin:end] for values, (begin, end) in zip(given, spans, strict=False)]
    whole = [len(values) for values in tokens] == [end - begin for begin, end in spans]
    if not whole or any(None in values for values in tokens):
        raise InputError(
            "the server gives no log-probabilities of a prompt's tokens (echo and logprobs): set"
            " servers.openai.logprobs to false and the scale's generate.readings to [written]"
        )
    return make_reply(payload, LAST, "", logprobs=tuple(float(sum(values)) for values in tokens))


@asynccontextmanager
async def start(command: str, base_url: str, model: Path, timeout: float) -> AsyncIterator[str]:
    """Run the command on a free port and give its address once it answers; end it, with its children, afterwards.

    It ends with this process too, however that ends. If it cannot be run, ends, or does not answer in time, the error
    shows the end of its log.
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
        begun = time.monotonic()
        while not await asyncio.to_thread(_listens, address):
            late = time.monotonic() - begun > timeout
            if process.poll() is not None or late:
                end = log.read_text(encoding="utf-8", errors="replace")[-SHOWN:]
                why = f"did not answer at {address} within {timeout:.0f} s" if late else f"ended ({process.returncode})"
                raise InputError(f"servers.openai.command {why}; the end of {log}:\n{end}")
            await asyncio.sleep(POLL)
        yield address
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.to_thread(process.wait)


def filled(text: str, model: Path, port: int) -> str:
    """The text with what stands for the model's folder, its name and the port; other braces may be JSON."""
    return text.replace("{folder}", str(model)).replace("{name}", model.name).replace("{port}", str(port))


def _listens(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/models", timeout=5.0).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
