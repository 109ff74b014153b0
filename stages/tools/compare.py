"""Compare two runs of lm-evaluation-harness or of Inspect, sample by sample: difference, interval, test, verdict.

A and B are files or folders of sample logs: samples_<task>_<time>.jsonl of lm-evaluation-harness (--log_samples), or
.eval of Inspect. Both must have asked the same samples. Differences are A less B.

python -m stages.tools.compare runs/role runs/standard --metric acc_norm
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.core import command_line
from stages.core.errors import InputError
from stages.records.systems import derive_seed
from stages.tools.sample_logs import Log, read

if TYPE_CHECKING:
    from stages.statistics.intervals import Array, Groups

COLUMNS = ("task", "metric", "n", "A", "B", "A - B", "95% interval", "p", "p (Holm)", "verdict", "detectable")

Entry = dict[str, Any]


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("first", metavar="A", type=Path)
    parser.add_argument("second", metavar="B", type=Path)
    parser.add_argument("--metric", help="default: the first that both have, task by task")
    parser.add_argument("--margin", type=float, default=0.03, help="differences below it do not matter (default: 0.03)")
    parser.add_argument("--pool", action="store_true", help="take all tasks as one, such as MMLU's subjects")
    parser.add_argument("--seed", type=int, default=17, help="of permutations (default: 17)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    first, second = read(arguments.first), read(arguments.second)
    entries = compare(first, second, arguments.metric, arguments.margin, arguments.seed, pool=arguments.pool)
    if arguments.json:
        print(json.dumps({"A": str(arguments.first), "B": str(arguments.second), "tasks": entries}, indent=2))
    else:
        print(table(entries, arguments.margin))


def compare(
    first: dict[str, Log], second: dict[str, Log], metric: str | None, margin: float, seed: int, *, pool: bool = False
) -> dict[str, Entry]:
    """Task → its numbers; p values are adjusted by Holm's method over the tasks.

    Shares of right answers are compared by McNemar's exact test, other values by a permutation of their differences.
    Without a ``metric`` the first that both have is compared. Two systems that differ by less than ``margin`` are
    equivalent, where all values lie between 0 and 1. ``pool`` makes all tasks one.

    Raises:
        InputError: The two did not run the same tasks on the same samples, or do not have the metric.
    """
    from stages.scoring.tables import rounded  # NumPy and statistics take seconds to import, here and below
    from stages.statistics.paired import holm, verdict

    if first.keys() != second.keys():
        raise InputError(f"A has the tasks {', '.join(first)}; B has {', '.join(second)}: give two runs of the same")
    pairs = {task: _paired(task, log, second[task], metric) for task, log in first.items()}
    if pool:
        pairs = {"all tasks": _pooled(list(pairs.values()))}
    entries = {task: _entry(pair, derive_seed(seed, "compare", task)) for task, pair in pairs.items()}
    adjusted = holm([entry["p"] for entry in entries.values()])
    for pair, entry, p_holm in zip(pairs.values(), entries.values(), adjusted, strict=True):
        entry["p_holm"] = rounded(p_holm)
        within = margin if pair.values.size and pair.values.min() >= 0 and pair.values.max() <= 1 else None
        if p_holm is not None:
            entry["verdict"] = verdict(entry["delta"], entry["ci_low"], entry["ci_high"], p_holm, within)
    return entries


@dataclass(frozen=True)
class Pair:
    """One task of both systems.

    Attributes:
        values: [2, samples], A's and B's.
        missing: How many samples were left out, since one of the two has no value there.
        groups: [samples], where tasks are taken together.
    """

    metric: str
    values: "Array"
    missing: int
    groups: "Groups | None" = None


def _paired(task: str, first: Log, second: Log, metric: str | None) -> Pair:
    import numpy as np

    if first.samples.keys() != second.samples.keys():
        alone = [len(one.samples.keys() - other.samples.keys()) for one, other in ((first, second), (second, first))]
        raise InputError(
            f"{task}: the samples differ: {alone[0]:,} of {len(first.samples):,} are in A alone, {alone[1]:,} of "
            f"{len(second.samples):,} in B alone: run both on the same version of the task with the same limit"
        )
    common = [name for name in first.measures if name in second.measures]
    if not common or (metric and metric not in common):
        raise InputError(
            f"{task}: expected {f'the metric {metric!r}' if metric else 'a metric'} in both logs: "
            f"{first.path} has {', '.join(first.measures) or 'none'}; {second.path} has "
            f"{', '.join(second.measures) or 'none'}"
        )
    name = metric or common[0]
    ours, theirs = first.measures[name], second.measures[name]
    keys = [key for key in first.samples if key in ours and key in theirs]
    values = np.array([[ours[key] for key in keys], [theirs[key] for key in keys]], float)
    return Pair(name, values, len(first.samples) - len(keys))


def _pooled(pairs: list[Pair]) -> Pair:
    """All tasks as one, the tasks being groups where there are enough of them to say how much groups vary."""
    import numpy as np

    from stages.scoring.tables import FEWEST_GROUPS

    metrics = sorted({pair.metric for pair in pairs})
    if len(metrics) > 1:
        raise InputError(f"--pool: the tasks have different metrics, {', '.join(metrics)}: choose one with --metric")
    sizes = [pair.values.shape[1] for pair in pairs]
    groups = np.repeat(np.arange(len(pairs)), sizes) if len(pairs) >= FEWEST_GROUPS else None
    values = np.concatenate([pair.values for pair in pairs], axis=1)
    return Pair(metrics[0], values, sum(pair.missing for pair in pairs), groups)


def _entry(pair: Pair, seed: int) -> Entry:
    """All but what depends on the other tasks; null where too few samples have a value."""
    import numpy as np

    from stages.scoring.tables import rounded
    from stages.statistics.paired import difference, mean_difference

    first, second = pair.values[:1], pair.values[1:]
    compared = difference if np.isin(pair.values, (0.0, 1.0)).all() else mean_difference
    found = compared(first, second, seed, pair.groups)
    names = ("delta", "ci_low", "ci_high", "p", "p_holm", "verdict", "detectable", "n", "test")
    entry: Entry = {"metric": pair.metric, "A": None, "B": None, **dict.fromkeys(names), "left_out": pair.missing}
    entry["n"] = pair.values.shape[1]
    if found is not None:
        entry |= {key: rounded(value) if isinstance(value, float) else value for key, value in asdict(found).items()}
        entry |= {"A": rounded(first.mean()), "B": rounded(second.mean())}
    return entry


def table(entries: dict[str, Entry], margin: float) -> str:
    """The entries in columns, and what they mean below."""
    rows = [COLUMNS, *(_row(task, entry) for task, entry in entries.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if left_out := sum(entry["left_out"] for entry in entries.values()):
        lines += ["", f"Left out, since A or B has no value there: {left_out:,} samples."]
    tests = ", ".join(dict.fromkeys(entry["test"] for entry in entries.values() if entry["test"]))
    lines += [
        "",
        f"Test: {tests or 'none'}; p (Holm): adjusted over the tasks above.",
        f"Verdict: higher or lower where p (Holm) < 0.05; equivalent where the interval lies within {margin:g} of 0.",
        "Detectable: the smallest true difference that this comparison would find four times in five; - if none.",
    ]
    return "\n".join(lines)


def _row(task: str, entry: Entry) -> tuple[str, ...]:
    shown = {key: "-" if entry[key] is None else f"{entry[key]:.4f}" for key in ("A", "B", "p", "p_holm", "detectable")}
    interval = "-" if entry["ci_low"] is None else f"{entry['ci_low']:+.4f} to {entry['ci_high']:+.4f}"
    delta = "-" if entry["delta"] is None else f"{entry['delta']:+.4f}"
    return (
        *(task, entry["metric"], f"{entry['n']:,}", shown["A"], shown["B"], delta, interval),
        *(shown["p"], shown["p_holm"], entry["verdict"] or "-", shown["detectable"]),
    )


if __name__ == "__main__":
    command_line.run(main)
