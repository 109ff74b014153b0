"""The way to the server: the ``openai`` SDK without its own retries, and without the key in anything it says."""

import asyncio
import difflib
import json
import logging
from types import TracebackType
from typing import Any

import httpx2
import openai

from stages.chat_models.bodies import UnreadableReply
from stages.chat_models.preset import OpenAIPreset
from stages.errors import InputError

logger = logging.getLogger("chat model")

# At debug level these write whole requests, headers included.
for name in ("openai", "httpx2", "httpcore2", "aiohttp"):
    logging.getLogger(name).setLevel(logging.WARNING)

LONGEST_CONNECT = 30.0
"""Seconds in which a server that is there takes up a connection."""


class Connection:
    """An SDK client for the time of one ``async with`` block."""

    def __init__(self, preset: OpenAIPreset) -> None:
        self.preset = preset
        self._key = require_key(preset)

    async def __aenter__(self) -> "Connection":
        timeout = httpx2.Timeout(self.preset.timeout, connect=min(self.preset.timeout, LONGEST_CONNECT))
        limits = httpx2.Limits(max_connections=self.preset.in_flight + 8, max_keepalive_connections=None)
        self.client = openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self.preset.base_url,
            max_retries=0,  # retries are ours alone, else the two would multiply
            timeout=timeout,
            # Half the processor time of the SDK's other transport for each request.
            http_client=openai.DefaultAioHttpClient(limits=limits, timeout=timeout),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.close()

    async def complete(self, body: dict[str, Any], path: str) -> tuple[Any, httpx2.Headers]:
        """Send one request; the payload and the headers.

        The SDK's ``post`` sends the body as it is, the very one that the cache key is made of; its typed method would
        take twice the time and hide the headers.
        """
        async with asyncio.timeout(self.preset.timeout):
            response = await self.client.post(path, cast_to=httpx2.Response, body=body)
        try:
            return json.loads(self.redact(response.text)), response.headers
        except ValueError:
            raise UnreadableReply("not JSON") from None

    async def demand_model(self) -> None:
        """Ask the server whether it serves the model; a server that keeps no list is believed.

        Raises:
            InputError: It does not; near names are given.
        """
        try:
            served = [model.id async for model in self.client.models.list()]
        except openai.APIStatusError as error:
            if error.status_code in {401, 403}:
                raise
            logger.warning("%s does not list its models (%d): going on", self.preset.base_url, error.status_code)
            return
        if served and self.preset.model not in served:
            near = difflib.get_close_matches(self.preset.model, served, n=5, cutoff=0.4) or sorted(served)[:5]
            raise InputError(
                f"{self.preset.base_url} does not serve the model {self.preset.model!r}; near names are: "
                f"{', '.join(near)}. Set the preset's model to one that is served (or preflight to false if it is)"
            )

    def redact(self, text: str) -> str:
        """The text without the key, should a server repeat it."""
        return text.replace(self._key, "[key]") if self._key else text


def require_key(preset: OpenAIPreset) -> str | None:
    """The key, or None for a server that wants none.

    Raises:
        InputError: The environment variable that should hold it is not set, or holds what cannot be a key.
    """
    key = (preset.key or "").strip()
    if preset.key_variable is None:
        return None
    if not key:
        raise InputError(
            f"something must be asked of {preset.base_url}, and the environment variable {preset.key_variable} holds no"
            " key: set it; or use what was recorded, where data/annotations has a file for the corpus (run.annotator:"
            " recorded); or set the preset's key_variable to null for a server that wants no key"
        )
    if not key.isascii() or any(letter.isspace() for letter in key):
        raise InputError(f"what {preset.key_variable} holds is no key: it has blanks or letters beyond ASCII")
    return key
