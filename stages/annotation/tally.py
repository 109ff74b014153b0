"""What annotating took and how it ended, whether it went through at once or was interrupted and resumed."""

from collections import Counter
from typing import Any

from stages.chat_models.bill import Bill
from stages.chat_models.interface import Outcome
from stages.chat_models.preset import ChatPreset


class Tally:
    """Counts over outcomes."""

    def __init__(self, preset: ChatPreset) -> None:
        self.items = 0
        self.annotated = 0
        self.failures: Counter[str] = Counter()
        self._bill = Bill(preset)

    def count(self, outcome: Outcome[Any]) -> None:
        self.items += 1
        self.annotated += outcome.value is not None
        if outcome.failure is not None:
            self.failures[outcome.failure] += 1
        self._bill.count(outcome)

    @property
    def failed_share(self) -> float:
        return (self.items - self.annotated) / max(self.items, 1)

    def metrics(self) -> dict[str, Any]:
        return {
            "items": self.items,
            "annotated": self.annotated,
            "failures": dict(sorted(self.failures.items())),
            **self._bill.metrics(),
        }
