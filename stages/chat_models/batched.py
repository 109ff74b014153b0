"""The Batch API behind the interface of a chat model: the same requests at half the price, within a day."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from stages.chat_models.batches import Batches
from stages.chat_models.connection import Connection
from stages.chat_models.estimating import estimate
from stages.chat_models.forms import Forms
from stages.chat_models.interface import ChatRequest, Check, Estimate, Outcome, Value
from stages.chat_models.open_batches import OpenBatches
from stages.chat_models.pacing import Clock
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.replies import Replies
from stages.chat_models.sender import Sender

RESUBMISSIONS = 3
"""Rounds beyond the preset's attempts, for lines that the server did not get to."""


class BatchedModel:
    """Hands in whatever the request cache does not hold, and reads everything from the cache."""

    def __init__(self, preset: OpenAIPreset, folder: Path, clock: Clock | None = None) -> None:
        self._preset = preset
        self._folder = folder
        self._clock = clock or Clock()

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Iterator[Outcome[Value]]:
        """As :meth:`ChatModel.ask`; requests are drawn and held ``batch_size`` at a time.

        Raises:
            InputError: A batch cannot be handed in, failed as a whole, or came to nothing.
        """
        remaining = iter(requests)
        replies = Replies(self._preset, self._folder)
        with closing(replies.cache):
            while chunk := list(islice(remaining, self._preset.batch_size)):
                cached = [replies.walk(request, check).missing is None for request in chunk]
                failures = {} if all(cached) else asyncio.run(self._complete(chunk, check, replies))
                for request, was_cached in zip(chunk, cached, strict=True):
                    walk = replies.walk(request, check)
                    failure = failures.get(request.id, "not answered by its batch") if walk.missing else walk.failure
                    yield Outcome(request, walk.value, failure, walk.replies, was_cached)

    def estimate(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Estimate:
        replies = Replies(self._preset, self._folder)
        with closing(replies.cache):
            return estimate(requests, check, replies, self._preset)

    async def _complete(self, chunk: list[ChatRequest], check: Check[Value], replies: Replies) -> dict[str, str]:
        """Ask until the cache answers the chunk, as far as it can be; why not, by request, for the rest."""
        handed_in, forms = OpenBatches(self._folder), Forms(self._preset)
        async with Connection(self._preset) as connection:
            sender = Sender(connection, self._clock)
            with handed_in.only_here():
                await sender.preflight()
                batches = Batches(sender, connection, replies, forms, handed_in)
                await batches.collect_open()
                for _ in range(self._preset.attempts + RESUBMISSIONS):
                    walks = {request.id: replies.walk(request, check).missing for request in chunk}
                    missing = {name: one for name, one in walks.items() if one and name not in batches.failures}
                    if not missing:
                        break
                    await batches.complete(missing)
                return batches.failures
