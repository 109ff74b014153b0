"""Sends requests through the ``openai`` SDK, within the limits on pace and cost, and retries where that may help.

The SDK's own retries are off, because the limits on pace and cost would not see them.
"""

import asyncio
import difflib
import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import IO, Any, Self, TypeVar

import httpx2
import openai

from stages.chat_models import ChatReply
from stages.chat_models.pacing import Again, Clock, Gone, Pacer, Spending, Unanswered, UnreadableReply, backoff, remedy
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.replies import CHAT, Endpoint, read_payload
from stages.core.errors import InputError

logger = logging.getLogger("chat model")

# At debug level these write whole requests, headers included.
for name in ("openai", "httpx2", "httpcore2", "aiohttp"):
    logging.getLogger(name).setLevel(logging.WARNING)

LONGEST_CONNECT, LONGEST_READ = 30.0, 3600.0
"""Seconds for connecting or listing models, and for downloading a file of answers."""
GIVEN_UP_IN_A_ROW = 5
"""This many failed requests with no answer in between mean that the server is gone."""
UNREADABLE_IN_A_ROW, UNREADABLE_TRIES = 5, 3
"""Unreadable replies that stop the run, and that fail one request: each may have been billed."""
PATIENCE = 8
"""A server that says when to come back gets this many times the tries."""
BYTES_PER_TOKEN = 4.0

Result = TypeVar("Result")


class Sender:
    """Sends bodies within the preset's limits on number, pace and cost; open inside an ``async with`` block.

    Attributes:
        on_the_wire: Tasks whose request the server has, or whose reply is not stored yet.
        stopping: Why nothing more may be sent, or None.
    """

    def __init__(self, preset: OpenAIPreset, clock: Clock) -> None:
        self.preset, self.clock = preset, clock
        self._key = preset.required_key()
        self._pacer = Pacer(preset.requests_per_minute, preset.tokens_per_minute, clock)
        self.spending = Spending(preset)
        self.on_the_wire: set[asyncio.Task[Any] | None] = set()
        self.stopping: InputError | None = None
        self._given_up = self._unreadable = 0
        self._told: set[str] = set()

    async def __aenter__(self) -> Self:
        timeout = httpx2.Timeout(self.preset.timeout, connect=min(self.preset.timeout, LONGEST_CONNECT))
        limits = httpx2.Limits(max_connections=self.preset.in_flight + 8, max_keepalive_connections=None)
        # Half the processor time of the SDK's other transport. A redirect could send prompts to a stranger.
        http_client = openai.DefaultAioHttpClient(limits=limits, timeout=timeout, follow_redirects=False)
        self.client = openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self.preset.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=http_client,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    def finish(self) -> set[asyncio.Task[Any] | None]:
        """Send nothing more; the tasks that must end by themselves."""
        self.stopping = self.stopping or InputError("stopped")
        return self.on_the_wire

    async def preflight(self) -> None:
        """Ask the server for the model, if the preset wants that, before anything is paid."""
        if self.preset.preflight:
            try:
                await self.persist(self._demand_model)
            except Unanswered as error:
                raise InputError(f"{self.preset.base_url} cannot be reached ({error}): check base_url") from None

    async def send(self, body: dict[str, Any], endpoint: Endpoint = CHAT) -> ChatReply:
        """The server's reply to a body.

        Raises:
            Unanswered: This request was given up.
            FormRefused: A plainer form of answer must be asked for.
            InputError: Nothing can be answered until someone does something.
        """
        prompt = endpoint.most_prompt_tokens(body)
        most = self.spending.most(prompt)
        return await self.persist(lambda: self._send_once(body, endpoint, prompt, most), most)

    async def persist(self, once: Callable[[], Awaitable[Result]], most: float = 0.0) -> Result:
        """The result of ``once``, called again where that may help; each call may cost ``most``."""
        tries, unreadable = 0.0, 0
        while True:
            try:
                result = await once()
            except Exception as error:
                fault = self.stopping or remedy(error, self.preset)
            else:
                self._given_up = self._unreadable = 0
                return result
            if isinstance(fault, Again):
                # A server that says when to come back is there: it is given more patience.
                tries += 1.0 if fault.after is None else 1.0 / PATIENCE
                unreadable += isinstance(fault, UnreadableReply)
                self.spending.spent += most * fault.maybe_billed
                fault = self._hopeless(fault, unreadable, tries) or fault
            if isinstance(fault, InputError):
                self.stopping = self.stopping or fault
                raise self.stopping
            if not isinstance(fault, Again):
                raise fault
            if str(fault) not in self._told:
                self._told.add(str(fault))
                logger.warning("%s: %s %s: trying again", self.preset.base_url, fault, fault.told)
            after = fault.after or 0.0
            self._pacer.hold(after)  # the server means everyone, not this request alone
            await self.clock.sleep(max(backoff(tries, self.preset.max_backoff), after))

    def _hopeless(self, fault: Again, unreadable: int, tries: float) -> Exception | None:
        """Why trying again is pointless: for this request, or for all after several failures in a row."""
        server, preset = self.preset.base_url, self.preset
        self._unreadable += isinstance(fault, UnreadableReply)
        if fault.after is not None and fault.after > preset.max_retry_after:
            wait = "for ever" if math.isinf(fault.after) else f"{fault.after:.0f} seconds"
            return InputError(
                f"{server} asks to wait {wait} ({fault}), longer than the preset's max_retry_after"
                f" ({preset.max_retry_after:.0f}): run again later; what was paid for is kept"
            )
        if self._unreadable >= UNREADABLE_IN_A_ROW:
            return InputError(
                f"{server} answers with status 200 what cannot be read {fault.told}, {self._unreadable} times in a row;"
                " each may have been paid for: see that base_url names a server of OpenAI's API"
            )
        if unreadable >= UNREADABLE_TRIES:
            return Unanswered(str(fault))
        if tries < preset.tries:
            return None
        self._given_up += 1
        if self._given_up < GIVEN_UP_IN_A_ROW:
            return Unanswered(f"unavailable: {fault}")
        return InputError(
            f"{server} answered nothing for a while (last: {fault} {fault.told}, {preset.tries} tries each): check that"
            " it runs and can be reached, then run again; what was paid for is kept"
        )

    async def _send_once(self, body: dict[str, Any], endpoint: Endpoint, prompt: int, most: float) -> ChatReply:
        tokens, used, reply = prompt / BYTES_PER_TOKEN + self.preset.token_limit, 0, None
        await self.spending.reserve(most)
        try:
            await self._pacer.turn(tokens)
            if self.stopping:
                raise self.stopping
            reply, headers = await self._exchange(body, endpoint)
            used = reply.prompt_tokens + reply.completion_tokens
        finally:
            self._pacer.tokens.give_back(tokens - used)
            self.spending.settle(most, reply)
        self._pacer.heed(headers, self.preset.max_retry_after)
        return reply

    async def _exchange(self, body: dict[str, Any], endpoint: Endpoint) -> tuple[ChatReply, Mapping[str, str]]:
        """Send one request.

        The SDK's ``post`` sends the body as it is, the very one that the key of the reply is made of; its typed method
        would take twice the time and hide the headers.
        """
        task = asyncio.current_task()
        self.on_the_wire.add(task)
        try:
            async with asyncio.timeout(self.preset.timeout):
                response = await self.client.post(endpoint.path, cast_to=httpx2.Response, body=body)
            return endpoint.read(read_payload(response.content, self.preset)), response.headers
        except BaseException:
            self.on_the_wire.discard(task)
            raise

    async def _demand_model(self) -> None:
        """Ask the server whether it serves the model; a server that keeps no list is believed."""
        url, model = self.preset.base_url, self.preset.model
        try:
            async with asyncio.timeout(min(self.preset.timeout, LONGEST_CONNECT)):
                response = await self.client.get("/models", cast_to=httpx2.Response)
            served = [str(one["id"]) for one in json.loads(response.content)["data"]]
        except openai.APIStatusError as error:
            if error.status_code in {401, 403} or error.response.is_redirect:
                raise
            return logger.warning("%s does not list its models (%d): going on", url, error.status_code)
        except (ValueError, KeyError, TypeError, RecursionError):
            return logger.warning("%s/models answers something that is no list of models: going on", url)
        if served and model not in served:
            near = difflib.get_close_matches(model, served, n=5, cutoff=0.4) or sorted(served)[:5]
            raise InputError(
                f"{url} does not serve the model {model!r}; near names are: {', '.join(near)}. Set the preset's model"
                " to one that is served (or preflight to false if it is)"
            )

    async def get(self, path: str) -> Any:
        """What the server tells of a file or batch, once; raises :class:`Gone` where it has none."""
        try:
            async with asyncio.timeout(self.preset.timeout):
                response = await self.client.get(path, cast_to=httpx2.Response)
        except openai.NotFoundError:
            raise Gone("it") from None
        return read_payload(response.content, self.preset)

    async def download(self, name: str, file: IO[bytes]) -> None:
        """Write what the server has under the id of a file; raises :class:`Gone` where it has nothing."""
        try:
            async with (
                asyncio.timeout(LONGEST_READ),
                self.client.files.with_streaming_response.content(name) as response,
            ):
                async for block in response.iter_bytes():
                    file.write(block)
        except openai.NotFoundError:
            raise Gone(f"file {name}") from None
