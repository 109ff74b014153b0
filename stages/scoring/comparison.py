"""Which variant is better, and whether that is more than chance: ``metrics/comparison.json``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import Field

from stages.core.parameters import Section
from stages.records.systems import derive_seed
from stages.scoring.tables import Key, ScoreTable, rounded
from stages.statistics.paired import difference, holm, verdict

CONTROLS = ("shuffled", "constant", "restated", "brief", "standard.manual")

Entry = dict[str, Any]


class Statistics(Section):
    """``statistics`` of params.yaml.

    Attributes:
        margin: Smaller differences of shares count as equal; 0.03 is three points.
    """

    margin: float = Field(gt=0, lt=1)


def pairs(variants: Sequence[str]) -> list[tuple[str, str]]:
    """The comparisons among these variants: role less standard first, then its controls.

    Then each condition less its arm, and each arm less the model before fine-tuning.
    """
    asked = [("role", "standard"), *(("role", control) for control in CONTROLS)]
    asked += [(variant, variant.partition(".")[0]) for variant in variants if "." in variant]
    asked += [(variant, "base") for variant in variants if "." not in variant and variant != "base"]
    return [(a, b) for a, b in asked if a in variants and b in variants]


def compare(tables: dict[Key, ScoreTable], seed: int, margin: float) -> dict[str, dict[str, dict[str, Entry]]]:
    """Model → pair ("role - standard") → benchmark → paired difference and test, with Holm over a pair's benchmarks."""
    result: dict[str, dict[str, dict[str, Entry]]] = {}
    for model in dict.fromkeys(key[0] for key in tables):
        result[model] = {}
        for first, second in pairs(list(dict.fromkeys(key[1] for key in tables if key[0] == model))):
            name = f"{first} - {second}"
            both = {
                key[2]: (table, tables[model, second, key[2]])
                for key, table in tables.items()
                if key[:2] == (model, first) and (model, second, key[2]) in tables
            }
            entries = {
                benchmark: entry(*compared, derive_seed(seed, "score", model, name, benchmark))
                for benchmark, compared in both.items()
            }
            result[model][name] = with_holm(entries, margin)
    return result


def with_holm(entries: dict[str, Entry], margin: float | None = None) -> dict[str, Entry]:
    """The entries with ``p_holm`` after ``p`` and, by a margin, the verdict that follows; null without a test."""
    adjusted = holm([found["p"] for found in entries.values()])
    result = {}
    for (name, found), p_holm in zip(entries.items(), adjusted, strict=True):
        head = {key: found[key] for key in ("delta", "ci_low", "ci_high", "p")} | {"p_holm": rounded(p_holm)}
        if margin is not None:
            interval = (found["delta"], found["ci_low"], found["ci_high"])
            head["verdict"] = None if p_holm is None else verdict(*interval, p_holm, margin)
        result[name] = head | found
    return result


def entry(first: ScoreTable, second: ScoreTable, seed: int, *, grouped: bool = True) -> Entry:
    """A paired difference on the items and training seeds that both have, with its test.

    A model before fine-tuning has no seed and is compared with all. Null with a reason where nothing can be compared.
    """
    answered = set(second.ids)
    ids = [identifier for identifier in first.ids if identifier in answered]
    untrained = None in second.seeds
    seeds = [s for s in first.seeds if untrained or s in second.seeds]
    if reason := first.reason or second.reason or (None if ids and seeds else "no question was answered by both"):
        nothing = dict.fromkeys(("delta", "ci_low", "ci_high", "p", "detectable"))
        return {**nothing, "n": 0, "test": None, "reason": reason}
    against = [None if untrained else s for s in seeds]
    groups = first.groups(ids) if grouped else None
    found = difference(first.values("score", ids, seeds), second.values("score", ids, against), seed, groups)
    assert found is not None  # there are items
    return {key: rounded(value) if isinstance(value, float) else value for key, value in asdict(found).items()}
