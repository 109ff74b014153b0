"""Scored items as arrays [seeds, items]."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stages.records.results import Scored
from stages.statistics.intervals import Groups, Values

# Fewer groups than this (HotpotQA's two types of question) are strata, not a sample of groups: a variance between so
# few says nothing (Cameron & Miller 2015, Journal of Human Resources 50:317-372, section VI).
FEWEST_GROUPS = 10

Key = tuple[str, str, str]


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one variant of a model on one benchmark: for each seed, the same items in the same order."""

    seeds: dict[int | None, dict[str, Scored]]

    @cached_property
    def asked(self) -> list[str]:
        """Items that every seed answered, in the order of the first."""
        first, *others = self.seeds.values()
        return [identifier for identifier in first if all(identifier in other for other in others)]

    @cached_property
    def ids(self) -> list[str]:
        """The items that have a score: a written answer may be asked for on only some."""
        if self.reason is not None:
            return self.asked
        scored = [{each for each, item in items.items() if item.score is not None} for items in self.seeds.values()]
        return [identifier for identifier in self.asked if all(identifier in items for items in scored)]

    @cached_property
    def items(self) -> list[Scored]:
        """Every seed's items, one seed after another, including those without a score."""
        return [items[identifier] for items in self.seeds.values() for identifier in self.asked]

    @cached_property
    def reason(self) -> str | None:
        """Why there is no score, if an item could not be scored."""
        return next((item.reason for item in self.items if item.score is None and item.reason), None)

    def values(self, field: str, ids: Sequence[str] | None = None, seeds: Iterable[int | None] | None = None) -> Values:
        """One number of each item, [seeds, items]."""
        ids = self.ids if ids is None else ids
        chosen = self.seeds if seeds is None else seeds
        return np.array(
            [[getattr(self.seeds[seed][identifier], field) for identifier in ids] for seed in chosen], float
        )

    def groups(self, ids: Sequence[str] | None = None) -> Groups | None:
        """The number of each item's group; None without groups, or with only a few."""
        first = next(iter(self.seeds.values()))
        names = [first[identifier].group for identifier in (self.ids if ids is None else ids)]
        if None in names or len(set(names)) < FEWEST_GROUPS:
            return None
        return np.unique(np.array(names, dtype=str), return_inverse=True)[1].astype(np.int64)


def tabulate(items: Iterable[Scored]) -> dict[Key, ScoreTable]:
    """Tables by model, variant and benchmark, in order of first occurrence."""
    found: dict[Key, dict[int | None, dict[str, Scored]]] = defaultdict(lambda: defaultdict(dict))
    for item in items:
        found[item.model, item.variant, item.benchmark][item.seed][item.id] = item
    return {key: ScoreTable(dict(seeds)) for key, seeds in found.items()}


def rows(metrics: dict[str, dict[str, dict[str, Any]]], columns: Sequence[str]) -> list[list[Any]]:
    """A row for each entry with a score; the first three columns are the metrics' keys."""
    return [
        [first, second, third, *(entry[column] for column in columns[3:])]
        for first, inner in metrics.items()
        for second, entries in inner.items()
        for third, entry in entries.items()
        if "score" in entry
    ]


def rounded(value: float | None) -> float | None:
    """Round to the six digits of the metrics; minus zero becomes zero."""
    return None if value is None else round(float(value), 6) + 0.0
