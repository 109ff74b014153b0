"""The Batch API: requests are handed in together and answered within a day, at half the price."""

import asyncio
import json
import logging
import math
import re
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic
from urllib.parse import quote

import httpx2
import openai

from stages.chat_models import ChatReply, ChatRequest, Check, Outcome, Value
from stages.chat_models.pacing import Again, FormRefused, Unanswered, remedy_of_answer
from stages.chat_models.replies import UnreadableReply, make_body, most_prompt_tokens, read_completion
from stages.chat_models.sending import Sender, parse, read_payload
from stages.errors import InputError

if TYPE_CHECKING:
    from stages.chat_models.client import Session

logger = logging.getLogger("batches")

RESUBMISSIONS = 3
"""Rounds beyond the preset's attempts, for lines that the server did not get to."""
PAGES = 10
"""Pages of a hundred batches, the newest first, among which one with a lost id is looked for."""
STORED_TOGETHER = 500
LONGEST_READ = 3600.0
"""Seconds that a file of answers may take."""
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
QUEUE_IS_FULL = "token_limit_exceeded"
"""OpenAI's code where a batch alone, or with others, has more tokens than may be queued."""


class Batches(Generic[Value]):
    """Hands in whatever is not stored, ``batch_size`` requests at a time, and reads everything from the store."""

    def __init__(self, session: "Session", requests: Iterable[ChatRequest], check: Check[Value]) -> None:
        self._session = session
        self._preset = session.preset
        self._requests = iter(requests)
        self._check = check
        self._most_lines = self._preset.batch_size
        self._keys: dict[str, tuple[str, float, set[str]]] = {}
        self._failures: dict[str, str] = {}
        self._stop: InputError | None = None
        self._refused_form = False

    async def step(self) -> Iterable[Outcome[Value]] | None:
        """Outcomes of the next requests, once the store has all that can be had.

        Raises:
            InputError: A batch cannot be handed in, failed as a whole, or came to nothing.
        """
        chunk = list(islice(self._requests, self._preset.batch_size))
        if not chunk:
            return None
        cached = [self._session.walk(request, self._check)[1] is None for request in chunk]
        if not all(cached):
            try:
                await self._complete(chunk)
            except Unanswered as error:
                raise InputError(
                    f"{self._preset.base_url} gives no account of its batches ({error}): run again later; what was"
                    " handed in is noted, and is collected then"
                ) from None
        return (self._outcome(request, was) for request, was in zip(chunk, cached, strict=True))

    async def wind_up(self, seconds: float | None) -> None:
        """What was handed in is noted: the next run collects it."""

    def _outcome(self, request: ChatRequest, cached: bool) -> Outcome[Value]:
        outcome, missing = self._session.walk(request, self._check)
        failure = self._failures.get(request.id, "not answered by its batch") if missing else outcome.failure
        return Outcome(request, outcome.value, failure, outcome.replies, cached)

    async def _complete(self, chunk: list[ChatRequest]) -> None:
        sender = await self._session.sender()
        async with self._session.store.alone("batches.lock"):  # two processes would hand in the same requests
            await self._collect_open(sender)
            for _ in range(self._preset.attempts + RESUBMISSIONS):
                walks = {request.id: self._session.walk(request, self._check)[1] for request in chunk}
                missing = {name: one for name, one in walks.items() if one and name not in self._failures}
                if not missing:
                    break
                lines = self._lines(sender, missing)
                while lines:
                    lines = lines[await self._hand_in(sender, lines) :]

    async def _collect_open(self, sender: Sender) -> None:
        """Collect what an earlier run handed in and did not live to see."""
        for input_file, batch in self._session.store.batches(self._preset.base_url):
            name = batch or await sender.persist(partial(self._find, sender, input_file))
            if name is None:
                self._session.store.forget_batch(self._preset.base_url, input_file)  # nothing was ordered
            else:
                logger.info("going on with batch %s", name)
                await self._collect(sender, input_file, name)

    def _lines(self, sender: Sender, missing: dict[str, tuple[ChatRequest, str]]) -> list[tuple[str, float]]:
        """The lines of a batch's input file, and what each can cost at most."""
        lines: dict[str, tuple[str, float]] = {}
        for name, (request, key) in missing.items():
            mode = self._session.strictest(request)
            body = make_body(request, self._preset, mode)
            most = sender.spending.most(most_prompt_tokens(body))
            # Two items may ask the very same: once is enough.
            _, _, ids = self._keys.get(key, ("", 0.0, set[str]()))
            self._keys[key] = (mode, most, ids | {name})
            line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
            lines[key] = (json.dumps(line, ensure_ascii=False) + "\n", most)
        return list(lines.values())

    async def _hand_in(self, sender: Sender, lines: list[tuple[str, float]]) -> int:
        """Hand in as many of the lines as limits allow, wait for their replies; how many lines are done with."""
        count, total = 0, 0.0
        for _, most in lines[: self._most_lines]:
            if count and total + most > sender.spending.left:
                break
            count, total = count + 1, total + most
        if count < min(len(lines), self._most_lines):
            need = math.fsum(most for _, most in lines) + sender.spending.spent
            logger.warning(
                "handing in %d of %d requests first: all of them can cost more than max_cost (%.2f); to hand them in"
                " at once, set the preset's max_cost to %.2f, or lower its token_limit",
                *(count, len(lines), self._preset.max_cost or 0.0, math.ceil(need * 100) / 100),
            )
        await sender.spending.reserve(total)
        try:
            with tempfile.TemporaryFile(dir=self._session.store.folder) as file:
                file.writelines(line.encode() for line, _ in lines[:count])
                file.seek(0)
                input_file, batch = await self._create(sender, file)
        except Unanswered as error:
            if str(error) != "prompt too long" or count == 1:
                raise InputError(f"{self._preset.base_url} does not take a batch ({error})") from None
            return self._halve(count, "its file is too large")
        finally:
            sender.spending.settle(total, None)
        return count if await self._collect(sender, input_file, batch, count) else 0

    def _halve(self, count: int, why: str) -> int:
        self._most_lines = max(1, count // 2)
        logger.warning("a batch of %d requests was not taken (%s): handing in %d", count, why, self._most_lines)
        return 0

    async def _create(self, sender: Sender, file: Any) -> tuple[str, str]:
        url, client = self._preset.base_url, sender.client

        async def upload() -> str:
            file.seek(0)
            response = await client.files.with_raw_response.create(file=("input.jsonl", file), purpose="batch")
            return self._id(response.content)

        input_file = await sender.persist(upload)
        self._session.store.note_batch(url, input_file, None)
        tries = 0

        async def create() -> str:
            # A try whose answer was lost may have made the batch: a second one would be paid for too.
            nonlocal tries
            tries += 1
            if tries > 1 and (found := await self._find(sender, input_file)):
                return found
            body = {"input_file_id": input_file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
            try:
                response = await client.post("/batches", cast_to=httpx2.Response, body=body)
            except openai.APIStatusError as error:
                if error.status_code in {400, 404} and "file" in str(error).lower() and tries < self._preset.tries:
                    raise Again("the uploaded file is not there yet", told=str(error)) from None
                raise
            return self._id(response.content)

        batch = await sender.persist(create)
        self._session.store.note_batch(url, input_file, batch)
        logger.info("handed in batch %s", batch)
        return input_file, batch

    async def _find(self, sender: Sender, input_file: str) -> str | None:
        query: dict[str, Any] = {"limit": 100}
        for _ in range(PAGES):
            page = await self._get(sender, "/batches", query)
            batches = [batch for batch in _list(page.get("data")) if isinstance(batch, dict)]
            for batch in batches:
                if batch.get("input_file_id") == input_file:
                    return str(batch.get("id"))
            if not batches or not page.get("has_more"):
                break
            query["after"] = batches[-1].get("id")
        return None

    async def _collect(self, sender: Sender, input_file: str, name: str, count: int = 0) -> bool:
        """Wait for a batch and store what it brings; False where it is to be handed in again in parts."""
        told = ""
        try:
            batch = await self._wait(sender, name)
            for file in (batch.get("output_file_id"), batch.get("error_file_id")):
                if file:
                    told = await sender.persist(partial(self._read, sender, str(file))) or told
        except Gone as gone:
            logger.warning("batch %s: the server no longer has %s: what it held is asked again", name, gone)
            batch = {"output_file_id": "gone"}
        self._session.store.forget_batch(self._preset.base_url, input_file)
        if self._stop:
            raise self._stop
        errors = batch.get("errors")
        faults = [fault for fault in _list(errors.get("data") if isinstance(errors, dict) else 0) if _is_object(fault)]
        status, reasons = batch.get("status"), [str(fault.get("message") or fault.get("code")) for fault in faults[:3]]
        if count > 1 and status == "failed" and any(fault.get("code") == QUEUE_IS_FULL for fault in faults):
            return self._halve(count, "; ".join(reasons)) > 0
        reason = self._preset.redact("; ".join([*reasons, told]).strip("; ") or "the server gives no reason")
        again = "What it did answer is kept; running again hands in the rest"
        if status in {"failed", "cancelled"}:
            raise InputError(f"batch {name} ended as {status}: {reason}. {again}")
        if status == "completed" and not batch.get("output_file_id") and not self._refused_form:
            raise InputError(f"batch {name} completed without an output file: {reason}. {again}")
        self._refused_form = False
        return True

    async def _wait(self, sender: Sender, name: str) -> dict[str, Any]:
        """The batch once it has ended."""
        counts = None
        while True:
            batch = await sender.persist(partial(self._get, sender, f"/batches/{quote(name, safe='')}"))
            status, now = batch.get("status"), batch.get("request_counts")
            if _is_object(now) and now != counts:
                counts, told = now, [now.get(each) for each in ("completed", "total", "failed")]
                logger.info("batch %s: %s, %s of %s done, %s failed", name, status, *told)
            if str(status) in ENDED:
                return batch
            await self._session.clock.sleep(self._preset.batch_poll_seconds)

    async def _read(self, sender: Sender, file: str) -> str:
        """Store the replies of a file's lines; the last error that one of them tells of."""
        told, rest = "", b""
        replies: list[tuple[str, ChatReply]] = []
        async with asyncio.timeout(LONGEST_READ), _unless_gone(f"file {file}"):
            async with sender.client.files.with_streaming_response.content(file) as response:
                async for block in response.iter_bytes():
                    # Lines end at b"\n" alone: other ends of lines may stand inside an answer.
                    *lines, rest = (rest + block).split(b"\n")
                    for line in lines:
                        told = self._take(line, replies, sender) or told
                    if len(replies) >= STORED_TOGETHER:
                        self._session.store.put(replies)
                        replies.clear()
        told = self._take(rest, replies, sender) or told
        self._session.store.put(replies)
        return told

    def _take(self, raw: bytes, replies: list[tuple[str, ChatReply]], sender: Sender) -> str:
        """Read a line's reply, or see to its error: what the error says. A line that is damaged counts as no answer."""
        if not raw.strip():
            return ""
        try:
            line = parse(raw, self._preset)
            key, answer, error = line["custom_id"], line.get("response") or {}, line.get("error")
            if not re.fullmatch("[0-9a-f]{64}", key):
                raise UnreadableReply("custom_id is none of ours")
            if answer.get("status_code") == 200 and not error:
                reply = read_completion(answer.get("body"), batched=True)
            else:
                body = answer.get("body")
                error = error or (body.get("error") if _is_object(body) else body)
                status = answer.get("status_code")
                error = error if _is_object(error) else {"message": str(error)}
                return self._see_to(key, status if isinstance(status, int) else 500, error)
        except (UnreadableReply, TypeError, KeyError, AttributeError) as fault:
            logger.warning("a line of a batch cannot be read (%s): it counts as not answered", fault)
            return str(fault)
        if self._session.store.get(key) is None:
            replies.append((key, reply))
            sender.spending.add(reply, self._keys.get(key, ("", 0.0))[1])
        return ""

    def _see_to(self, key: str, status: int, error: dict[str, Any]) -> str:
        fault = remedy_of_answer(status, error, None, self._preset)
        mode, _, ids = self._keys.get(key, ("", 0.0, set[str]()))
        try:
            if isinstance(fault, FormRefused) and mode:
                self._session.refuse(mode, str(fault))
                self._refused_form = True
            elif isinstance(fault, Unanswered):
                self._failures.update(dict.fromkeys(ids, str(fault)))
            elif isinstance(fault, InputError):
                raise fault
        except InputError as stop:  # raised once the other lines are stored
            self._stop = self._stop or stop
        return str(error.get("message") or error.get("code") or f"status {status}")

    async def _get(self, sender: Sender, path: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        options: Any = {"params": query or {}}
        async with _unless_gone("it"):
            response = await sender.client.get(path, cast_to=httpx2.Response, options=options)
        payload = read_payload(response.content, self._preset)
        if not _is_object(payload):
            raise UnreadableReply("expected an object")
        return payload  # type: ignore[no-any-return]

    def _id(self, content: bytes) -> str:
        payload = read_payload(content, self._preset)
        if not _is_object(payload) or not isinstance(payload.get("id"), str) or not payload["id"]:
            raise UnreadableReply("id: expected a text")
        return str(payload["id"])


class Gone(Exception):  # noqa: N818 - it says what the thing is
    """The server no longer has what is asked for."""


@asynccontextmanager
async def _unless_gone(what: str) -> AsyncIterator[None]:
    try:
        yield
    except openai.NotFoundError:
        raise Gone(what) from None


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
