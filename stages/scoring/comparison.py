"""Which variant is better, and whether that is more than chance: ``metrics/comparison.json``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import Field

from stages.core.parameters import Section
from stages.records.systems import derive_seed
from stages.scoring.tables import Key, ScoreTable, rounded
from stages.statistics.paired import Difference, difference, holm, verdict

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
    arms = [variant for variant in variants if "." not in variant and variant != "base"]
    asked = [("role", "standard"), *(("role", control) for control in CONTROLS)]
    asked += [(variant, variant.partition(".")[0]) for variant in variants if "." in variant]
    asked += [(arm, "base") for arm in arms]
    return [(a, b) for a, b in asked if a in variants and b in variants]


def compare(tables: dict[Key, ScoreTable], seed: int, margin: float) -> dict[str, dict[str, dict[str, Entry]]]:
    """Model → pair ("role - standard") → benchmark → paired difference and test, with Holm over a pair's benchmarks."""
    result: dict[str, dict[str, dict[str, Entry]]] = {}
    for model in dict.fromkeys(key[0] for key in tables):
        variants = list(dict.fromkeys(key[1] for key in tables if key[0] == model))
        result[model] = {}
        for first, second in pairs(variants):
            name = f"{first} - {second}"
            benchmarks = [key[2] for key in tables if key[:2] == (model, first) and (model, second, key[2]) in tables]
            result[model][name] = with_holm(
                {
                    benchmark: entry(
                        tables[model, first, benchmark],
                        tables[model, second, benchmark],
                        derive_seed(seed, "score", model, name, benchmark),
                    )
                    for benchmark in benchmarks
                },
                margin,
            )
    return result


def with_holm(entries: dict[str, Entry], margin: float) -> dict[str, Entry]:
    """The entries with ``p_holm`` after ``p``, and the verdict that follows; null where nothing was compared."""
    adjusted = holm([found["p"] for found in entries.values()])
    result = {}
    for (name, found), p_holm in zip(entries.items(), adjusted, strict=True):
        interval = (found["delta"], found["ci_low"], found["ci_high"])
        said = None if p_holm is None else verdict(*interval, p_holm, margin)
        head = {key: found[key] for key in ("delta", "ci_low", "ci_high", "p")}
        result[name] = head | {"p_holm": rounded(p_holm), "verdict": said} | found
    return result


def entry(first: ScoreTable, second: ScoreTable, seed: int, *, grouped: bool = True) -> Entry:
    """A paired difference with its test; null with a reason where nothing can be compared."""
    if reason := first.reason or second.reason:
        return _nothing(reason)
    found = _difference(first, second, seed, grouped)
    if found is None:
        return _nothing("no question was answered by both")
    numbers = asdict(found)
    return {key: rounded(value) if isinstance(value, float) else value for key, value in numbers.items()}


def _difference(first: ScoreTable, second: ScoreTable, seed: int, grouped: bool) -> Difference | None:
    """Compare on the items and training seeds that both have; a model before fine-tuning is compared with all seeds."""
    shared = set(second.ids)
    ids = [identifier for identifier in first.ids if identifier in shared]
    seeds = [s for s in first.seeds if s in second.seeds]
    if None in second.seeds and None not in first.seeds:
        seeds = list(first.seeds)
    if not ids or not seeds:
        return None
    against = [s if s in second.seeds else None for s in seeds]
    groups = first.groups(ids) if grouped else None
    return difference(first.values("score", ids, seeds), second.values("score", ids, against), seed, groups)


def _nothing(reason: str) -> Entry:
    numbers = dict.fromkeys(("delta", "ci_low", "ci_high", "p", "detectable"))
    return {**numbers, "n": 0, "test": None, "reason": reason}
