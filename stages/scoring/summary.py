"""The score of each variant of a model on each benchmark, with intervals: ``metrics/benchmarks.json``."""

from collections import Counter
from typing import Any

import numpy as np

from stages.records.results import Scored
from stages.scoring.items import CHOICES, kind
from stages.scoring.tables import Key, ScoreTable, rounded
from stages.statistics import intervals

COLUMNS = ["model", "variant", "benchmark", "reading", "score", "ci_low", "ci_high", "n", "seeds", "seed_sd"]
READINGS = ("cloze", "letter", "written")

Entry = dict[str, Any]


def summarize(tables: dict[Key, ScoreTable]) -> dict[str, dict[str, dict[str, Entry]]]:
    """Model → variant → benchmark → the score by the primary reading, and what belongs to it."""
    result: dict[str, dict[str, dict[str, Entry]]] = {}
    for (model, variant, benchmark), table in tables.items():
        entry = summary(table, choices=kind(benchmark).READING == CHOICES)
        result.setdefault(model, {}).setdefault(variant, {})[benchmark] = entry
    return result


def summary(table: ScoreTable, *, choices: bool) -> Entry:
    """One entry; ``choices`` says whether the questions are multiple choice.

    ``score`` is the micro average, in which all items have equal weight; ``macro`` is the mean over groups.
    """
    reading = table.items[0].reading if table.items else None
    entry: Entry = {"reading": reading} | score_and_interval(table) | _readings(table)
    if reading == "exact_match":
        values = table.values("f1")
        entry |= _with_interval("f1", values.mean() if values.size else None, intervals.bounded_mean(values))
    if (groups := table.groups()) is not None and table.reason is None:
        entry |= _with_interval("macro", *intervals.macro(table.values("score"), groups))
    written = [item for item in table.items if item.written_correct is not None]
    entry["unparsed_rate"] = _rate([item.written is None for item in written])
    entry["role_rate"] = _rate([item.role_well_formed for item in table.items])
    if choices:
        entry["picks"] = picks(table.items)
        entry["majority"] = majority(table.items)
    if table.reason is not None:
        entry["reason"] = table.reason
    return entry


def picks(items: list[Scored]) -> dict[str, float]:
    """Label → its share of the picks by the primary reading, the most frequent first."""
    counts = Counter(label for item in items if (label := getattr(item, item.reading)) is not None)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return {label: round(count / counts.total(), 6) for label, count in ranked}


def majority(items: list[Scored]) -> float | None:
    """The score of always giving the most frequent right answer, on the items that have one."""
    counts = Counter(item.target for item in items if item.score is not None)
    return rounded(max(counts.values()) / counts.total()) if counts else None


def score_and_interval(table: ScoreTable, *, grouped: bool = True) -> Entry:
    """``score, ci_low, ci_high, n, seeds, seed_sd``; null where nothing was answered or scored."""
    counts: Entry = {"n": len(table.ids), "seeds": len(table.seeds)}
    if not table.ids or table.reason is not None:
        return {**dict.fromkeys(("score", "ci_low", "ci_high")), **counts, "seed_sd": None}
    values = table.values("score")
    low, high = intervals.proportion(values, table.groups() if grouped else None) or (None, None)
    shares = {"score": rounded(values.mean()), "ci_low": rounded(low), "ci_high": rounded(high)}
    seed_sd = float(np.std(values.mean(axis=1), ddof=1)) if len(values) > 1 else None
    return {**shares, **counts, "seed_sd": rounded(seed_sd)}


def _readings(table: ScoreTable) -> Entry:
    """``score_<reading>`` for every reading; ``n_<reading>`` where it covers fewer items."""
    found: Entry = {}
    for name in READINGS:
        values = [value for item in table.items if (value := getattr(item, f"{name}_correct")) is not None]
        if values and not (name == "written" and table.reason is not None):
            found[f"score_{name}"] = rounded(sum(values) / len(values))
            if len(values) < len(table.items):
                found[f"n_{name}"] = len(values) // len(table.seeds)
    return found


def _with_interval(name: str, value: float | None, interval: intervals.Interval | None) -> Entry:
    low, high = interval or (None, None)
    return {name: rounded(value), f"{name}_ci_low": rounded(low), f"{name}_ci_high": rounded(high)}


def _rate(marks: list[bool]) -> float | None:
    return rounded(sum(marks) / len(marks)) if marks else None
