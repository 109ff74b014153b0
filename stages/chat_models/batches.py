"""The Batch API: requests are handed in together and answered within a day, at half the price."""

import json
import logging
import tempfile
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING, Generic
from urllib.parse import quote

import httpx2
import openai

from stages.chat_models import ChatReply, ChatRequest, Check, Outcome, Value, replies
from stages.chat_models.pacing import Again, FormRefused, Gone, Unanswered, UnreadableReply, remedy_of_answer
from stages.chat_models.replies import Batch, File, Line, Page, read_as, read_payload
from stages.chat_models.sending import Sender
from stages.core.errors import InputError

if TYPE_CHECKING:
    from stages.chat_models.client import Session

logger = logging.getLogger("batches")

RESUBMISSIONS = 3
"""Rounds beyond the preset's attempts, for lines that the server did not get to."""
PAGES, MOST_LOOKS = 10, 6
"""Pages of a hundred batches in which one with a lost id is looked for; tries to find a file just uploaded."""
STORED_TOGETHER = 500
HANDING_IN = "ba7c4" * 3
"""The claim of a process that hands in batches: two would hand in the same requests."""
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
QUEUE_IS_FULL = "token_limit_exceeded"
"""OpenAI's code where a batch, alone or with others, has more tokens than may be queued."""
ENDPOINT = "/v1/chat/completions"


class Batches(Generic[Value]):
    """Hands in whatever is not stored, ``batch_size`` requests at a time, and reads everything from the store.

    Raises an InputError where a batch cannot be handed in, fails as a whole or brings no answer.
    """

    _sender: Sender

    def __init__(self, session: "Session", check: Check[Value]) -> None:
        self._session, self._store, self._check = session, session.store, check
        self._preset, self._url = session.preset, session.preset.base_url
        self._most_lines = session.preset.batch_size
        self._asked: dict[str, tuple[str, float]] = {}  # by key: form, cost at most
        self._failures: dict[str, str] = {}  # by key
        self._stop: InputError | None = None
        self._form_refused = False

    async def ask(self, requests: Iterable[ChatRequest]) -> AsyncGenerator[Iterable[Outcome[Value]], None]:
        """Outcomes, once the store has all that can be had. What was handed in is noted: a later run collects it."""
        remaining = iter(requests)
        while chunk := list(islice(remaining, self._preset.batch_size)):
            cached = [self._session.walk(request, self._check)[1] is None for request in chunk]
            if not all(cached):
                self._sender = await self._session.sender()
                try:
                    await self._complete(chunk)
                except Unanswered as error:
                    told = "run again later; what was handed in is noted, and is collected then"
                    raise InputError(f"{self._url} gives no account of its batches ({error}): {told}") from None
            yield map(self._outcome, chunk, cached)

    def _outcome(self, request: ChatRequest, cached: bool) -> Outcome[Value]:
        outcome, missing = self._session.walk(request, self._check)
        failure = self._failures.get(missing[1], "not answered by its batch") if missing else outcome.failure
        return replace(outcome, failure=failure, cached=cached)

    async def _complete(self, chunk: list[ChatRequest]) -> None:
        async with self._store.claimed(HANDING_IN, "another process hands in batches: waiting for it to end"):
            for input_file, noted in self._store.batches(self._url):
                if name := noted or await self._sender.persist(partial(self._find, input_file)):
                    logger.info("going on with batch %s", name)
                    await self._collect(input_file, name)
                else:
                    self._store.forget_batch(self._url, input_file)  # nothing was ordered
            for _ in range(self._preset.attempts + RESUBMISSIONS):
                lines = self._lines(chunk)
                while lines:
                    lines = lines[await self._hand_in(lines) :]

    def _lines(self, chunk: list[ChatRequest]) -> list[tuple[bytes, float]]:
        """The lines of a batch's input file, and what each can cost at most. Equal requests stand there once."""
        lines = {}
        for missing in (self._session.walk(request, self._check)[1] for request in chunk):
            if missing is None or missing[1] in self._failures:
                continue
            request, key = missing
            mode = self._session.strictest(request)
            body = replies.make_body(request, self._preset, mode)
            most = self._sender.spending.most(replies.most_prompt_tokens(body))
            self._asked[key] = (mode, most)
            line = {"custom_id": key, "method": "POST", "url": ENDPOINT, "body": body}
            lines[key] = (json.dumps(line, ensure_ascii=False).encode() + b"\n", most)
        return list(lines.values())

    async def _hand_in(self, lines: list[tuple[bytes, float]]) -> int:
        """Hand in as many of the lines as limits allow, wait for their replies; how many lines are done with."""
        lines = lines[: self._most_lines]
        most, spending = sum(most for _, most in lines), self._sender.spending
        await spending.reserve(most)
        try:
            with tempfile.TemporaryFile(dir=self._store.folder) as file:
                file.writelines(line for line, _ in lines)
                input_file, name = await self._create(file)
        except Unanswered as error:
            told = "where its file is too large, lower the preset's batch_size"
            raise InputError(f"{self._url} does not take a batch of {len(lines)} requests ({error}): {told}") from None
        finally:
            spending.settle(most, None)
        return await self._collect(input_file, name, len(lines))

    async def _create(self, file: IO[bytes]) -> tuple[str, str]:
        """Upload a file and make its batch; the server's ids of both."""
        client, tries = self._sender.client, 0

        async def upload() -> str:
            file.seek(0)
            response = await client.files.with_raw_response.create(file=("input.jsonl", file), purpose="batch")
            return read_as(File, read_payload(response.content, self._preset)).id

        async def create() -> str:
            nonlocal tries
            tries += 1
            # A try whose answer was lost may have made the batch: a second one would be paid for too.
            if tries > 1 and (lost := await self._find(input_file)):
                return lost
            body = {"input_file_id": input_file, "endpoint": ENDPOINT, "completion_window": "24h"}
            try:
                response = await client.post("/batches", cast_to=httpx2.Response, body=body)
            except openai.APIStatusError as error:
                if error.status_code not in {400, 404} or "file" not in str(error).lower() or tries >= MOST_LOOKS:
                    raise
                raise Again("the uploaded file is not there yet", told=str(error)) from None
            return read_as(Batch, read_payload(response.content, self._preset)).id

        input_file = await self._sender.persist(upload)
        self._store.note_batch(self._url, input_file, None)
        name = await self._sender.persist(create)
        self._store.note_batch(self._url, input_file, name)
        logger.info("handed in batch %s", name)
        return input_file, name

    async def _find(self, input_file: str) -> str | None:
        after = ""
        for _ in range(PAGES):
            page = read_as(Page, await self._sender.get(f"/batches?limit=100{after}")).data
            if lost := [batch.id for batch in page if batch.input_file_id == input_file]:
                return lost[0]
            if not page:
                break
            after = f"&after={quote(page[-1].id, safe='')}"
        return None

    async def _collect(self, input_file: str, name: str, count: int = 0, sure: bool = False) -> int:
        """Wait for a batch and store what it brings: ``count``, or 0 where it is to be handed in again in parts."""
        told, batch = "", Batch(id=name, status="gone")
        try:
            batch = await self._wait(name)
            for file in filter(None, (batch.output_file_id, batch.error_file_id)):
                told = await self._sender.persist(partial(self._store_lines, file)) or told
        except Gone as gone:
            if not sure:  # what was just made may be found at the second look
                await self._session.clock.sleep(self._preset.batch_poll_seconds)
                return await self._collect(input_file, name, count, sure=True)
            logger.warning("batch %s: the server no longer has %s: what it held is asked again", name, gone)
        self._store.forget_batch(self._url, input_file)
        if self._stop:
            raise self._stop
        reasons = [*(str(fault.get("message") or fault.get("code")) for fault in batch.faults[:3]), told]
        reason = self._preset.redact("; ".join(filter(None, reasons)) or "the server gives no reason")
        if count > 1 and batch.status == "failed" and QUEUE_IS_FULL in [fault.get("code") for fault in batch.faults]:
            self._most_lines = count // 2
            logger.warning("a batch of %d requests was not taken (%s): handing in %d", count, reason, count // 2)
            return 0
        ended = f"ended as {batch.status}" if batch.status in {"failed", "cancelled"} else ""
        if batch.status == "completed" and not batch.output_file_id and not self._form_refused:
            ended = "completed without an output file"
        if ended:
            raise InputError(f"batch {name} {ended}: {reason}. Run again, which hands in what it did not answer")
        self._form_refused = False
        return count

    async def _wait(self, name: str) -> Batch:
        """The batch once it has ended."""

        async def look() -> Batch:
            return read_as(Batch, await self._sender.get(f"/batches/{quote(name, safe='')}"))

        counts = None
        while (batch := await self._sender.persist(look)).status not in ENDED:
            if batch.request_counts != counts:
                counts = batch.request_counts
                logger.info("batch %s: %s %s", name, batch.status, counts)
            await self._session.clock.sleep(self._preset.batch_poll_seconds)
        return batch

    async def _store_lines(self, name: str) -> str:
        """Store the replies of a file's lines; the last error that one of them tells of."""
        told, found = "", dict[str, ChatReply]()
        with tempfile.TemporaryFile(dir=self._store.folder) as file:
            await self._sender.download(name, file)
            file.seek(0)
            for line in filter(bytes.strip, file):  # lines end at b"\n" alone: other ends may stand in an answer
                told = self._take(line, found) or told
                if len(found) >= STORED_TOGETHER:
                    self._store.put(found.items())
                    found.clear()
        self._store.put(found.items())
        return told

    def _take(self, raw: bytes, found: dict[str, ChatReply]) -> str:
        """Read a line's reply, or see to its error: what the error says. A line that is damaged counts as no answer."""
        try:
            line = read_as(Line, replies.read_json(raw, self._preset))
            mode, most = self._asked.get(line.custom_id, ("", 0.0))
            if line.status == 200 and not line.error:
                reply = replies.read_completion(line.body, batched=True)
                if self._store.get(line.custom_id) is None:
                    found[line.custom_id] = reply
                    self._sender.spending.add(reply, most)
                return ""
        except UnreadableReply as fault:
            logger.warning("a line of a batch cannot be read %s: it counts as not answered", fault.told)
            return fault.told
        error = line.error or (line.body.get("error") if isinstance(line.body, dict) else line.body)
        remedy = remedy_of_answer(line.status, error, None, self._preset)
        if isinstance(remedy, FormRefused) and mode:
            self._form_refused = True
            try:
                self._session.refuse(mode, str(remedy))
            except InputError as stop:
                remedy = stop
        if isinstance(remedy, Unanswered):
            self._failures[line.custom_id] = str(remedy)
        elif isinstance(remedy, InputError):
            self._stop = self._stop or remedy  # raised once the other lines are stored
        return f"{remedy} {remedy.told}" if isinstance(remedy, Again) else str(remedy)
