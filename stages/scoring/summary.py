"""What each variant of a model scored on each benchmark, with intervals: ``metrics/benchmarks.json``."""

from typing import Any

import numpy as np

from stages.records.seeds import derive_seed
from stages.scoring.kinds import kind
from stages.scoring.tables import Key, Table, nested, rounded
from stages.statistics import intervals

COLUMNS = ["model", "variant", "benchmark", "reading", "score", "ci_low", "ci_high", "n", "seeds", "seed_sd"]

Entry = dict[str, Any]


def summarize(tables: dict[Key, Table], seed: int) -> dict[str, dict[str, dict[str, Entry]]]:
    """Model, variant, benchmark: the score by the primary reading, and all that belongs to it."""
    return nested(
        (key, summary(table, kind(key[2]).READING, derive_seed(seed, "score", *key))) for key, table in tables.items()
    )


def summary(table: Table, reading: str, seed: int) -> Entry:
    if reading == "loglikelihood" and any(item.loglikelihood is None for item in table.items):
        reading = "written"
    entry: Entry = {"reading": reading} | score_and_interval(table)
    written = table.values("written_correct").mean() if table.ids and table.reason is None else None
    entry["score_written"] = rounded(written)
    if reading == "loglikelihood":
        entry["score_loglikelihood"] = rounded(table.values("loglikelihood_correct").mean())
    if reading == "exact_match":
        entry |= _f1(table, seed)
    if (groups := table.groups()) is not None and table.reason is None:
        macro, interval = intervals.macro(table.values("score"), groups)
        entry |= _with_interval("macro", macro, interval)
    items = table.items
    entry["unparsed_rate"] = _rate([item.written is None for item in items])
    entry["role_rate"] = _rate([item.role_well_formed for item in items])
    if table.reason is not None:
        entry["reason"] = table.reason
    return entry


def score_and_interval(table: Table, *, grouped: bool = True) -> Entry:
    """``score, ci_low, ci_high, n, seeds, seed_sd``; null where nothing was answered or nothing could be scored."""
    counts: Entry = {"n": len(table.ids), "seeds": len(table.seeds)}
    if not table.ids or table.reason is not None:
        return {"score": None, "ci_low": None, "ci_high": None, **counts, "seed_sd": None}
    values = table.values("score")
    low, high = intervals.proportion(values, table.groups() if grouped else None) or (None, None)
    seed_sd = float(np.std(values.mean(axis=1), ddof=1)) if len(values) > 1 else None
    return {
        "score": rounded(values.mean()),
        "ci_low": rounded(low),
        "ci_high": rounded(high),
        **counts,
        "seed_sd": rounded(seed_sd),
    }


def rows(metrics: dict[str, dict[str, dict[str, Entry]]]) -> list[list[Any]]:
    """The metrics as a table with :data:`COLUMNS`, a row for each variant and benchmark."""
    return [
        [model, variant, benchmark, *(entry[column] for column in COLUMNS[3:])]
        for model, variants in metrics.items()
        for variant, benchmarks in variants.items()
        for benchmark, entry in benchmarks.items()
    ]


def _f1(table: Table, seed: int) -> Entry:
    values = table.values("f1")
    return _with_interval("f1", values.mean() if values.size else None, intervals.bounded_mean(values, seed))


def _with_interval(name: str, value: float | None, interval: intervals.Interval | None) -> Entry:
    low, high = interval or (None, None)
    return {name: rounded(value), f"{name}_ci_low": rounded(low), f"{name}_ci_high": rounded(high)}


def _rate(marks: list[bool]) -> float | None:
    return rounded(sum(marks) / len(marks)) if marks else None
