"""What the stage counts and says: before paying, at the end, and when too much failed."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

from stages.annotation.recording import NOT_RECORDED
from stages.chat_models import Bill, Outcome
from stages.chat_models.preset import ChatPreset
from stages.core.errors import InputError


class Tally:
    """Counts over outcomes: the same whether a run went through at once or was interrupted and resumed."""

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


def demand_enough(tally: Tally, preset: ChatPreset, recorded: Path, failures: Path) -> None:
    """Stop the stage where more items failed than the preset tolerates.

    Raises:
        InputError: How many failed, why, and what to do.
    """
    if not tally.items:
        raise InputError("the corpus is empty: run `dvc repro corpus`")
    if missing := tally.failures[NOT_RECORDED]:
        raise InputError(_not_recorded(missing, tally.items, recorded))
    if not tally.annotated or tally.failed_share > preset.tolerated_failures:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(tally.failures.items()))
        raise InputError(
            f"{tally.items - tally.annotated} of {tally.items} items got no role prompt ({reasons}); each stands in"
            f" {failures}. Nothing paid for is lost: running again asks only for what has no answer." + _way_on(tally)
        )


def _way_on(tally: Tally) -> str:
    if not tally.annotated:
        return " Choose an annotator that can do it"
    share = math.ceil(tally.failed_share * 1e4) / 1e4
    return (
        f" To go on without these items, raise the annotator's tolerated_failures to {share:.4f};"
        " to ask more often, raise its attempts"
    )


def _not_recorded(missing: int, items: int, recorded: Path) -> str:
    corpus = recorded.stem
    return (
        f"{missing} of {items} items of corpus {corpus!r} have no recorded annotation in {recorded}. Either have them"
        f" annotated: set the key's environment variable and run `python -m stages.annotate --annotator openai"
        f" --corpus {corpus} --record`, then commit that file; or put a file of recorded annotations there,"
        " or limit the corpus to the items that have one"
    )
