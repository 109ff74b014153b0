"""The way to the server: the ``openai`` SDK, within all limits, again and again where that may help.

The SDK's own retries are off: they would hide from the limits on pace and cost what is sent.
"""

import asyncio
import difflib
import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self, TypeVar

import aiohttp
import httpx2
import openai

from stages.chat_models.interface import ChatReply
from stages.chat_models.pacing import Clock, Pacer, Spending, backoff, retry_after
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.replies import CHAT, Endpoint, UnreadableReply
from stages.errors import InputError

logger = logging.getLogger("chat model")

# At debug level these write whole requests, headers included.
for name in ("openai", "httpx2", "httpcore2", "aiohttp"):
    logging.getLogger(name).setLevel(logging.WARNING)

LONGEST_CONNECT = 30.0
"""Seconds in which a server that is there takes up a connection, or lists its models."""
LONGEST_MESSAGE = 500
GIVEN_UP_IN_A_ROW = 5
"""So many requests given up, with none answered in between, mean that the server is gone."""
UNREADABLE_IN_A_ROW, UNREADABLE_TRIES = 5, 3
"""Whole replies that cannot be read, of the run and of one request: each may have been paid for."""
PATIENCE = 10
"""Tries that a server which says when to come back is given, for each one of another."""
BYTES_PER_TOKEN = 4.0
RETRIED = frozenset({408, 409, 429})
QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
FORM = ("response_format", "json_schema", "json_object", "structured output")
STATUS_OF_TYPE = {"invalid_request_error": 400, "authentication_error": 401, "not_found_error": 404}

Result = TypeVar("Result")


class Unanswered(Exception):  # noqa: N818 - it says what the request is
    """The request has no reply; the reason is short and countable."""


class FormRefused(Exception):  # noqa: N818 - it says what happened
    """The server does not know the form of answer that was asked for."""


class ErrorAnswer(Exception):  # noqa: N818 - it says what the answer is
    """An error in place of an answer, under status 200."""


class Again(Exception):  # noqa: N818 - it says what to do
    """Send the request again, after the server's own wait where it names one.

    Attributes:
        told: The server's own words.
        maybe_billed: Whether the server may have answered, and charged, all the same.
    """

    def __init__(self, reason: str, after: float | None = None, told: str = "", maybe_billed: bool = False) -> None:
        super().__init__(reason)
        self.after, self.told, self.maybe_billed = after, told, maybe_billed


class Sender:
    """Sends bodies under the preset's limits on number, pace and cost, for the time of one ``async with`` block.

    Attributes:
        on_the_wire: Tasks whose request the server has, or whose reply is not stored yet.
        stopping: Why nothing more may be sent, or None.
    """

    def __init__(self, preset: OpenAIPreset, clock: Clock) -> None:
        self.preset, self.clock = preset, clock
        self._key = require_key(preset)
        self._slots = asyncio.Semaphore(preset.in_flight)
        self._pacer = Pacer(preset.requests_per_minute, preset.tokens_per_minute, clock)
        self.spending = Spending(preset)
        self.on_the_wire: set[asyncio.Task[Any] | None] = set()
        self.stopping: InputError | None = None
        self._given_up = self._unreadable = 0
        self._told: set[str] = set()

    async def __aenter__(self) -> Self:
        timeout = httpx2.Timeout(self.preset.timeout, connect=min(self.preset.timeout, LONGEST_CONNECT))
        limits = httpx2.Limits(max_connections=self.preset.in_flight + 8, max_keepalive_connections=None)
        self.client = openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self.preset.base_url,
            max_retries=0,
            timeout=timeout,
            # Half the processor time of the SDK's other transport for each request. A redirect would carry prompts to
            # a server that nobody named.
            http_client=openai.DefaultAioHttpClient(limits=limits, timeout=timeout, follow_redirects=False),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def send(self, body: dict[str, Any], endpoint: Endpoint = CHAT) -> ChatReply:
        """The server's reply to a body.

        Raises:
            Unanswered: This request was given up.
            FormRefused: A plainer form of answer must be asked for.
            InputError: Nothing can be answered until someone does something.
        """
        prompt = endpoint.most_prompt_tokens(body)
        most = self.spending.most(prompt)
        async with self._slots:
            return await self.persist(lambda: self._send_once(body, endpoint, prompt, most), most)

    async def preflight(self) -> None:
        """Ask the server for the model, if the preset wants that, before anything is paid."""
        if self.preset.preflight:
            try:
                await self.persist(self._demand_model)
            except Unanswered as error:
                raise InputError(f"{self.preset.base_url} cannot be reached ({error}): check base_url") from None

    async def persist(self, once: Callable[[], Awaitable[Result]], most: float = 0.0) -> Result:
        """The result of ``once``, called again where that may help."""
        tries = told_to_wait = unreadable = 0
        while True:
            try:
                result = await once()
            except Exception as error:
                fault = remedy(error, self.preset)
                unreadable += isinstance(error, UnreadableReply)
            else:
                self._given_up = self._unreadable = 0
                return result
            if self.stopping:
                raise self.stopping
            if isinstance(fault, InputError):
                raise self._stop(str(fault))
            if not isinstance(fault, Again):
                raise fault
            if fault.maybe_billed:
                self.spending.lost(most)
            self._tell_once(fault)
            # A server that says when to come back is there: it is given more patience.
            tries, told_to_wait = tries + (fault.after is None), told_to_wait + (fault.after is not None)
            self._demand_readable(fault, unreadable)
            if tries >= self.preset.tries or told_to_wait >= PATIENCE * self.preset.tries:
                raise self._give_up(fault)
            await self._wait(fault, tries)

    async def _send_once(self, body: dict[str, Any], endpoint: Endpoint, prompt: int, most: float) -> ChatReply:
        tokens, reply = prompt / BYTES_PER_TOKEN + self.preset.token_limit, None
        await self.spending.reserve(most)
        try:
            await self._pacer.turn(tokens)
            if self.stopping:
                raise self.stopping
            try:
                reply, headers = await self._exchange(body, endpoint)
            finally:
                used = reply.prompt_tokens + reply.completion_tokens if reply else 0.0
                self._pacer.tokens.give_back(tokens - used)
        finally:
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

    async def _wait(self, fault: Again, tries: int) -> None:
        after = fault.after or 0.0
        if after > self.preset.max_retry_after:
            wait = "for ever" if math.isinf(after) else f"{after:.0f} seconds"
            raise self._stop(
                f"{self.preset.base_url} asks to wait {wait} ({fault}), longer than the preset's"
                f" max_retry_after ({self.preset.max_retry_after:.0f}): run again later; what was paid for is kept"
            )
        # The server means everyone, not this request alone.
        self._pacer.hold(after)
        await self.clock.sleep(max(backoff(tries, self.preset.max_backoff), after))

    def _demand_readable(self, fault: Again, unreadable: int) -> None:
        if not unreadable:
            return
        self._unreadable += 1
        if self._unreadable >= UNREADABLE_IN_A_ROW:
            raise self._stop(
                f"{self.preset.base_url} answers with status 200 what cannot be read ({fault.told}), {self._unreadable}"
                " times in a row; each may have been paid for: see that base_url names a server of OpenAI's API"
            )
        if unreadable >= UNREADABLE_TRIES:
            raise Unanswered(str(fault))

    def _give_up(self, fault: Again) -> Exception:
        self._given_up += 1
        if self._given_up < GIVEN_UP_IN_A_ROW:
            return Unanswered(f"unavailable: {fault}")
        said = f"; the server says: {fault.told}" if fault.told else ""
        return self._stop(
            f"{self.preset.base_url} answered nothing for a while (last: {fault}, {self.preset.tries} tries"
            f" each{said}): check that it runs and can be reached, then run again; what was paid for is kept"
        )

    def _tell_once(self, fault: Again) -> None:
        if str(fault) not in self._told:
            self._told.add(str(fault))
            logger.warning("%s: %s%s: trying again", self.preset.base_url, fault, f" ({fault.told})" * bool(fault.told))

    def _stop(self, message: str) -> InputError:
        self.stopping = self.stopping or InputError(message)
        return self.stopping


def require_key(preset: OpenAIPreset) -> str | None:
    """The key, or None for a server that wants none.

    Raises:
        InputError: The environment variable that should hold it is not set, or holds what cannot be a key.
    """
    if preset.key_variable is None:
        return None
    if not preset.key:
        raise InputError(
            f"something must be asked of {preset.base_url}, and the environment variable {preset.key_variable} holds no"
            " key: set it; or use what was recorded, where data/annotations has a file for the corpus (run.annotator:"
            " recorded); or set the preset's key_variable to null for a server that wants no key"
        )
    if not preset.key.isascii() or any(letter.isspace() for letter in preset.key):
        raise InputError(f"what {preset.key_variable} holds is no key: it has blanks or letters beyond ASCII")
    return preset.key


def parse(content: bytes, preset: OpenAIPreset) -> Any:
    """The JSON that a server sends, without the key, should the server repeat it.

    Raises:
        UnreadableReply: It is no JSON.
    """
    try:
        return json.loads(preset.redact(content.decode("utf-8", "replace")))
    except RecursionError:
        raise UnreadableReply("nested too deeply") from None
    except ValueError as error:
        raise UnreadableReply(f"not JSON: {error}"[:LONGEST_MESSAGE]) from None


def read_payload(content: bytes, preset: OpenAIPreset) -> Any:
    """As :func:`parse`; an error under status 200 raises :class:`ErrorAnswer`."""
    payload = parse(content, preset)
    if isinstance(payload, dict) and payload.get("error") and not payload.get("choices"):
        raise ErrorAnswer(payload["error"])
    return payload


def remedy(error: Exception, preset: OpenAIPreset) -> Exception:
    """What to do about an error: :class:`Again`, or the exception that ends this request, or the run."""
    if isinstance(error, UnreadableReply):
        return Again("unreadable reply", told=str(error), maybe_billed=True)
    if isinstance(error, openai.APIConnectionError | aiohttp.ClientError | httpx2.HTTPError):
        return _remedy_of_connection(error)
    if isinstance(error, TimeoutError):
        return Again("no answer", maybe_billed=True)
    if isinstance(error, ErrorAnswer):
        body = error.args[0] if isinstance(error.args[0], dict) else {"message": str(error.args[0])}
        code = body.get("code")
        status = code if isinstance(code, int) and 400 <= code < 600 else STATUS_OF_TYPE.get(str(body.get("type")), 500)
        return remedy_of_answer(status, body, None, preset)
    if isinstance(error, openai.APIStatusError):
        body = error.body if isinstance(error.body, dict) else {"message": str(error.body or error.message)}
        if error.response.is_redirect:
            body = {"message": f"a redirect to {error.response.headers.get('location')}"}
        return remedy_of_answer(error.status_code, body, retry_after(error.response.headers), preset)
    return error


def _remedy_of_connection(error: Exception) -> Again:
    # The SDK reports every fault of a connection as a timeout of one: what it was stands in the causes.
    causes, cause = [], error.__cause__
    while cause is not None:
        causes.append(cause)
        cause = cause.__cause__
    if any(isinstance(cause, httpx2.ConnectError | aiohttp.ClientConnectorError) for cause in causes):
        return Again("no connection")  # the server never saw the request
    if any(isinstance(cause, httpx2.ReadTimeout | TimeoutError) for cause in causes):
        return Again("no answer", maybe_billed=True)
    return Again("connection lost", maybe_billed=True)


def remedy_of_answer(status: int, error: Mapping[str, Any], after: float | None, preset: OpenAIPreset) -> Exception:
    """The remedy for an answer that is an error: its status, and the ``error`` object of its body."""
    # Servers other than OpenAI's have other fields: then all that they say is shown.
    code = str(error.get("code") or "")
    message = preset.redact(str(error.get("message") or json.dumps(error)))[:LONGEST_MESSAGE]
    if QUOTA & {code, str(error.get("type"))} or status == 402:
        return InputError(f"the account behind the key has no credit left ({message}): add some, then run again")
    if status in RETRIED or status >= 500:
        return Again(f"HTTP {status}", after, message)
    if "content_filter" in code or "content_policy" in code:
        return Unanswered("content filter")
    if code == "context_length_exceeded" or status == 413:
        return Unanswered("prompt too long")
    about = f"{error.get('param') or ''} {message}".lower()
    if status in {400, 422} and any(word in about for word in FORM):
        return FormRefused(message)
    return InputError(f"{_advice(status, preset)}. The server says ({status}): {message}")


def _advice(status: int, preset: OpenAIPreset) -> str:
    server, key = preset.base_url, preset.key_variable or "(none: set key_variable)"
    if 300 <= status < 400:
        return f"{server} sends requests elsewhere, which is not followed: set base_url to where they shall go"
    advice = {
        401: f"{server} does not accept the key in {key}: put a valid one there",
        403: f"the key in {key} may not use {preset.model!r} at {server}: choose another model, or have it allowed",
        404: f"{server} has no model {preset.model!r}, or not the path asked for: mend the preset's model or base_url",
    }
    general = f"{server} refuses the request: mend the preset (token_limit_name, temperature, answers, extra)"
    return advice.get(status, general)
