"""Never more than the preset's ``max_cost`` in one run."""

import asyncio

from stages.chat_models.interface import ChatReply
from stages.chat_models.preset import OpenAIPreset
from stages.errors import InputError


class Spending:
    """What this run has spent, and what the requests under way may still cost at most."""

    def __init__(self, preset: OpenAIPreset) -> None:
        self._preset = preset
        self.spent = 0.0
        self._reserved = 0.0
        self._under_way = 0
        self._changed = asyncio.Event()

    def most(self, prompt_tokens: int) -> float:
        """What a request can cost at most if its answer is as long as it may be."""
        return self._preset.prices.cost(prompt_tokens, self._preset.token_limit, batched=self._preset.batch)

    async def reserve(self, most: float) -> None:
        """Wait until a request may be sent without any risk of passing the limit.

        Raises:
            InputError: It may not, even with nothing else under way.
        """
        limit = self._preset.max_cost
        while limit is not None and self.spent + self._reserved + most > limit:
            if not self._under_way:
                raise InputError(self._exhausted(limit, most))
            self._changed.clear()
            await self._changed.wait()
        self._reserved += most
        self._under_way += 1

    def settle(self, most: float, reply: ChatReply | None) -> None:
        """A reserved request has ended, with a reply or without."""
        self._under_way -= 1
        self._reserved = self._reserved - most if self._under_way else 0.0
        if reply is not None:
            self.spent += self._preset.cost(reply)
        self._changed.set()

    def lost(self, most: float) -> None:
        """A request got no answer and may have been billed all the same: count it at its most."""
        self.spent += most

    def _exhausted(self, limit: float, most: float) -> str:
        return (
            f"stopped before max_cost ({limit:.2f} dollars) could be passed: this run spent {self.spent:.4f}, and the"
            f" next request can cost up to {most:.4f}. All that was paid for is kept: run again to go on with a new"
            " budget, or raise the preset's max_cost; a lower token_limit makes the bound tighter"
        )
