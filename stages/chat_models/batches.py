"""Handing in batches, waiting for them, and bringing what they hold into the request cache."""

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

from openai.types import Batch

from stages.chat_models.bodies import UnreadableReply, make_body, most_prompt_tokens, read_completion
from stages.chat_models.connection import Connection
from stages.chat_models.faults import Again, GiveUp, PlainerForm, remedy_of_answer
from stages.chat_models.forms import Forms
from stages.chat_models.interface import ChatReply
from stages.chat_models.open_batches import OpenBatch, OpenBatches
from stages.chat_models.replies import Missing, Replies
from stages.chat_models.sender import Sender
from stages.errors import InputError

logger = logging.getLogger("batches")

LOOKED_THROUGH = 1000
"""Batches, the newest first, among which one with a lost id is looked for."""
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


class Batches:
    """One run's dealings with the Batch API.

    Attributes:
        failures: Why a request has no reply and will get none, by the request's id.
    """

    def __init__(
        self, sender: Sender, connection: Connection, replies: Replies, forms: Forms, handed_in: OpenBatches
    ) -> None:
        self._sender = sender
        self._client = connection.client
        self._redact = connection.redact
        self._preset = connection.preset
        self._replies = replies
        self._forms = forms
        self._open = handed_in
        self._ids: dict[str, set[str]] = {}
        self._modes: dict[str, str] = {}
        self.failures: dict[str, str] = {}
        self._stop: str | None = None

    async def collect_open(self) -> None:
        """Collect what an earlier run handed in and did not live to see."""
        for one in self._open.of(self._preset.base_url):
            if one.batch is None:
                one.batch = await self._sender.persist(partial(self._find, one.input_file), 0.0)
            if one.batch is None:
                self._open.forget(one)  # nothing was ordered, so nothing is lost
            else:
                logger.info("going on with batch %s", one.batch)
                await self._collect(one)

    async def complete(self, missing: dict[str, Missing]) -> None:
        """Hand in the requests, by id, and wait for their replies."""
        path = self._open.folder / "input.jsonl"
        most = self._write(path, missing)
        await self._sender.spending.reserve(most)
        one = await self._hand_in(path)
        self._sender.spending.settle(most, None)
        await self._collect(one)

    def _write(self, path: Path, missing: dict[str, Missing]) -> float:
        """Write the batch's input file; what it can cost at most."""
        most, written = 0.0, set[str]()
        with path.open("w", encoding="utf-8") as file:
            for name, one in missing.items():
                mode = self._forms.strictest(one.request)
                self._modes[one.key] = mode
                self._ids.setdefault(one.key, set()).add(name)
                if one.key in written:
                    continue  # two items ask the very same: once is enough
                written.add(one.key)
                body = make_body(one.request, self._preset, mode)
                most += self._sender.spending.most(most_prompt_tokens(body))
                line = {"custom_id": one.key, "method": "POST", "url": "/v1/chat/completions", "body": body}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        return most

    async def _hand_in(self, path: Path) -> OpenBatch:
        upload = await self._sender.persist(lambda: self._client.files.create(file=path, purpose="batch"), 0.0)
        one = OpenBatch(base_url=self._preset.base_url, input_file=upload.id)
        self._open.keep(one)
        tried = False

        async def create() -> str:
            # A try whose answer was lost may have made the batch: a second one would be paid for too.
            nonlocal tried
            found = await self._find(upload.id) if tried else None
            tried = True
            return found or await self._create(upload.id)

        one.batch = await self._sender.persist(create, 0.0)
        self._open.keep(one)
        path.unlink()
        logger.info("handed in batch %s", one.batch)
        return one

    async def _create(self, input_file: str) -> str:
        batch = await self._client.batches.create(
            input_file_id=input_file, endpoint="/v1/chat/completions", completion_window="24h"
        )
        return batch.id

    async def _find(self, input_file: str) -> str | None:
        seen = 0
        async for batch in self._client.batches.list(limit=100):
            seen += 1
            if batch.input_file_id == input_file:
                return batch.id
            if seen == LOOKED_THROUGH:
                break
        return None

    async def _collect(self, one: OpenBatch) -> None:
        batch = await self._wait(str(one.batch))
        told = ""
        for file in (batch.output_file_id, batch.error_file_id):
            if file:
                told = await self._sender.persist(partial(self._read, file), 0.0) or told
        self._open.forget(one)
        self._demand_sense(batch, told)

    async def _wait(self, name: str) -> Batch:
        counts = None
        while True:
            batch = await self._sender.persist(lambda: self._client.batches.retrieve(name), 0.0)
            if batch.request_counts and batch.request_counts != counts:
                counts = batch.request_counts
                logger.info(
                    "batch %s: %s, %d of %d done, %d failed",
                    *(name, batch.status, counts.completed, counts.total, counts.failed),
                )
            if batch.status in ENDED:
                return batch
            await self._sender.clock.sleep(self._preset.batch_poll_seconds)

    async def _read(self, file: str) -> str:
        """Bring a file's lines into the cache; the last error that one of them tells of."""
        told = ""
        async with self._client.files.with_streaming_response.content(file) as response:
            async for text in response.iter_lines():
                if text.strip():
                    told = self._take(json.loads(self._redact(text))) or told
        self._replies.cache.sync()
        return told

    def _take(self, line: dict[str, Any]) -> str | None:
        """Keep a line's reply, or see to its error; what the error says."""
        key, answer = str(line["custom_id"]), line.get("response") or {}
        body = answer.get("body") or {}
        if answer.get("status_code") == 200 and not line.get("error"):
            try:
                self._keep(key, read_completion(body, batched=True))
            except UnreadableReply as unreadable:
                return str(unreadable)
            return None
        error = line.get("error") or body.get("error") or {}
        return self._see_to(key, int(answer.get("status_code") or 500), error)

    def _keep(self, key: str, reply: ChatReply) -> None:
        if self._replies.cache.look_again(key) is None:
            self._replies.cache.put(key, reply)
            self._sender.spending.spent += self._preset.cost(reply)

    def _see_to(self, key: str, status: int, error: dict[str, Any]) -> str:
        message = str(error.get("message") or error.get("code") or f"status {status}")
        fault = remedy_of_answer(status, error, None, self._preset)
        if isinstance(fault, PlainerForm):
            if key in self._modes:
                self._forms.refuse(self._modes[key], message)
        elif isinstance(fault, GiveUp):
            self.failures.update(dict.fromkeys(self._ids.get(key, ()), fault.reason))
        elif not isinstance(fault, Again):
            # Raised once the other lines are in the cache.
            self._stop = self._stop or fault.message
        return message

    def _demand_sense(self, batch: Batch, told: str) -> None:
        """Raise unless the batch came to something.

        Raises:
            InputError: It failed as a whole, was cancelled, completed without an output file, or holds an error that
                stands in the way of every request.
        """
        if self._stop:
            raise InputError(self._stop)
        faults = [fault.message or str(fault.code) for fault in (batch.errors and batch.errors.data) or []]
        reason = self._redact("; ".join([*faults[:3], told]).strip("; ") or "the server gives no reason")
        again = "What it did answer is kept; running again hands in the rest"
        if batch.status in {"failed", "cancelled"}:
            raise InputError(f"batch {batch.id} ended as {batch.status}: {reason}. {again}")
        if batch.status == "completed" and not batch.output_file_id and not self._forms.just_refused():
            raise InputError(f"batch {batch.id} completed without an output file: {reason}. {again}")
