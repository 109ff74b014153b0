"""Questions that one arm got right and the other wrong, by id, since a study has no texts."""

from collections.abc import Sequence
from typing import Any

from stages.records.scored import Scored
from stages.reporting.inputs import Inputs

SHOWN = ("standard", "standard.manual", "role")
EACH_WAY = 3

Row = dict[str, Any]


def disagreements(read: Inputs, benchmark: str = "mmlu") -> list[Row]:
    """The first questions that only ``role`` got right, then the first that only ``standard`` got right.

    A row has ``id``, ``group``, ``key``, the ``role`` prompt, and each variant's pick and whether it is right, all for
    the first training seed.
    """
    items = list(read.scored.values())
    seed = min(item.seed for item in items if item.seed is not None)
    by_variant = {variant: _scored(items, variant, benchmark, seed) for variant in SHOWN}
    role, standard = by_variant["role"], by_variant["standard"]
    rows: list[Row] = []
    for better, worse in ((role, standard), (standard, role)):
        found = [each for each in better if each in worse and better[each].score == 1 and worse[each].score == 0]
        rows += [_row(each, by_variant) for each in found[:EACH_WAY]]
    return rows


def _scored(items: Sequence[Scored], variant: str, benchmark: str, seed: int) -> dict[str, Scored]:
    return {
        item.id: item
        for item in items
        if item.variant == variant and item.benchmark == benchmark and item.seed == seed and item.score is not None
    }


def _row(identifier: str, by_variant: dict[str, dict[str, Scored]]) -> Row:
    item = by_variant["role"][identifier]
    picks = {
        variant: (getattr(found[identifier], found[identifier].reading), found[identifier].score == 1)
        for variant, found in by_variant.items()
        if identifier in found
    }
    return {"id": identifier, "group": item.group, "key": item.target, "role": item.role, "picks": picks}
