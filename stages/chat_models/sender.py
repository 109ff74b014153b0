"""One request at a time to the server, again and again where that may help, within all limits."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from stages.chat_models.bodies import CHAT, Endpoint
from stages.chat_models.connection import Connection
from stages.chat_models.faults import Again, GiveUp, PlainerForm, Stop, backoff, remedy
from stages.chat_models.interface import ChatReply
from stages.chat_models.pacing import Clock, Pacer
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.spending import Spending
from stages.errors import InputError

logger = logging.getLogger("chat model")

GIVEN_UP_IN_A_ROW = 5
"""So many requests given up, with none answered in between, mean that the server is gone."""
PATIENCE = 10
"""Tries that a server which says when to come back is given, for each one of another."""
BYTES_PER_TOKEN = 4.0

Result = TypeVar("Result")


class Unanswered(Exception):  # noqa: N818 - it says what the request is
    """The request has no reply; the reason is short and countable."""


class FormRefused(Exception):  # noqa: N818 - it says what happened
    """The server does not know the form of answer that was asked for."""


class Sender:
    """Sends bodies under the preset's limits on number, pace and cost.

    Attributes:
        on_the_wire: Tasks whose request the server has: stopping must not lose what they bring.
        stopping: Why nothing more may be sent, or None.
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._preset: OpenAIPreset = connection.preset
        self.clock = clock
        self._slots = asyncio.Semaphore(self._preset.in_flight)
        self._pacer = Pacer(self._preset.requests_per_minute, self._preset.tokens_per_minute, clock)
        self.spending = Spending(self._preset)
        self.on_the_wire: set[asyncio.Task[Any]] = set()
        self.stopping: Exception | None = None
        self._given_up = 0

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
        if self._preset.preflight:
            try:
                await self.persist(self._connection.demand_model, 0.0)
            except Unanswered as error:
                raise InputError(f"{self._preset.base_url} cannot be reached ({error}): check base_url") from None

    async def persist(self, once: Callable[[], Awaitable[Result]], most: float) -> Result:
        """The result of ``once``, called again where that may help."""
        tries = told_to_wait = 0
        while True:
            try:
                result = await once()
            except Exception as error:  # every kind that is not the server's is raised again
                fault = remedy(error, self._preset)
            else:
                self._given_up = 0
                return result
            if self.stopping:
                raise self.stopping
            if not isinstance(fault, Again):
                raise self._verdict(fault)
            if fault.maybe_billed:
                self.spending.lost(most)
            # A server that says when to come back is there: it is given more patience.
            tries, told_to_wait = tries + (fault.after is None), told_to_wait + (fault.after is not None)
            if tries >= self._preset.tries or told_to_wait >= PATIENCE * self._preset.tries:
                raise self._give_up(fault)
            await self._wait(fault, tries)

    def _verdict(self, fault: PlainerForm | GiveUp | Stop) -> Exception:
        if isinstance(fault, PlainerForm):
            return FormRefused(self._connection.redact(fault.message))
        if isinstance(fault, GiveUp):
            return Unanswered(fault.reason)
        return self._stop(self._connection.redact(fault.message))

    async def _send_once(self, body: dict[str, Any], endpoint: Endpoint, prompt: int, most: float) -> ChatReply:
        tokens, reply = prompt / BYTES_PER_TOKEN + self._preset.token_limit, None
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
        self._pacer.heed(headers, self._preset.max_retry_after)
        return reply

    async def _exchange(self, body: dict[str, Any], endpoint: Endpoint) -> tuple[ChatReply, Mapping[str, str]]:
        task = asyncio.current_task()
        assert task is not None
        self.on_the_wire.add(task)
        try:
            payload, headers = await self._connection.complete(body, endpoint.path)
        finally:
            self.on_the_wire.discard(task)
        return endpoint.read(payload), headers

    async def _wait(self, fault: Again, tries: int) -> None:
        after = fault.after or 0.0
        if after > self._preset.max_retry_after:
            raise self._stop(
                f"{self._preset.base_url} asks to wait {after:.0f} seconds ({fault.reason}), longer than the preset's"
                f" max_retry_after ({self._preset.max_retry_after:.0f}): run again later; what was paid for is kept"
            )
        # The server means everyone, not this request alone.
        self._pacer.hold(after)
        await self.clock.sleep(max(backoff(tries, self._preset.max_backoff), after))

    def _give_up(self, fault: Again) -> Exception:
        self._given_up += 1
        if self._given_up < GIVEN_UP_IN_A_ROW:
            return Unanswered(f"unavailable: {fault.reason}")
        return self._stop(
            f"{self._preset.base_url} answered nothing for a while (last: {fault.reason}, {self._preset.tries} tries"
            " each): check that it runs and can be reached, then run again; what was paid for is kept"
        )

    def _stop(self, message: str) -> Exception:
        self.stopping = self.stopping or InputError(message)
        return self.stopping
