"""What asking a chat model took, counted so that a run that was interrupted and resumed tells the same as any other."""

from collections import Counter
from typing import Any

from stages.chat_models.interface import ChatReply, Outcome
from stages.chat_models.preset import ChatPreset


class Bill:
    """Counts over outcomes; replies that were already paid for count like new ones."""

    def __init__(self, preset: ChatPreset) -> None:
        self._preset = preset
        self._tokens: Counter[str] = Counter()
        self._requests = 0
        self._cost = 0.0
        self._models: set[str] = set()
        self._fingerprints: set[str] = set()

    def count(self, outcome: Outcome[Any]) -> None:
        for reply in outcome.replies:
            self._count_reply(reply)

    def metrics(self) -> dict[str, Any]:
        """Requests and tokens; ``cost`` in US dollars; what the servers call the models that answered."""
        return {
            "requests": self._requests,
            "prompt_tokens": self._tokens["prompt"],
            "cached_prompt_tokens": self._tokens["cached"],
            "completion_tokens": self._tokens["completion"],
            "cost": round(self._cost, 6),
            "models": sorted(self._models),
            "system_fingerprints": sorted(self._fingerprints),
        }

    def _count_reply(self, reply: ChatReply) -> None:
        self._requests += 1
        self._tokens.update(prompt=reply.prompt_tokens, cached=reply.cached_tokens, completion=reply.completion_tokens)
        self._cost += self._preset.cost(reply)
        self._models.add(reply.model)
        if reply.system_fingerprint:
            self._fingerprints.add(reply.system_fingerprint)
