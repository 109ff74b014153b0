"""A progress bar: done, cached, failed, tokens, cost; the bar itself shows the rate."""

import sys
from types import TracebackType
from typing import Any

from tqdm import tqdm

from stages.chat_models.interface import Outcome
from stages.chat_models.preset import ChatPreset

REFRESH_TERMINAL, REFRESH_FILE = 0.5, 30.0
"""Seconds between two drawings; a log file wants few lines."""


class Progress:
    """Counts outcomes as they come, in whatever order; ``total`` is 0 where it is not known."""

    def __init__(self, preset: ChatPreset, total: int) -> None:
        self._preset = preset
        self._total = total
        self._cached = self._failed = self._tokens = 0
        self._cost = 0.0

    def __enter__(self) -> "Progress":
        pause = REFRESH_TERMINAL if sys.stderr.isatty() else REFRESH_FILE
        self._bar = tqdm(total=self._total or None, unit=" items", mininterval=pause, miniters=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.set_postfix_str(self._counts())
        self._bar.close()

    def count(self, outcome: Outcome[Any]) -> None:
        self._cached += outcome.cached
        self._failed += outcome.failure is not None
        if not outcome.cached:
            self._tokens += sum(reply.prompt_tokens + reply.completion_tokens for reply in outcome.replies)
            self._cost += sum(self._preset.cost(reply) for reply in outcome.replies)
        self._bar.set_postfix_str(self._counts(), refresh=False)
        self._bar.update()

    def _counts(self) -> str:
        return f"cached {self._cached}, failed {self._failed}, {self._tokens} tokens, ${self._cost:.4f}"
