"""Compare two runs of lm-evaluation-harness or of Inspect, sample by sample: difference, interval, test, verdict.

A and B are files or folders of sample logs: samples_<task>_<time>.jsonl of lm-evaluation-harness (--log_samples), or
.eval of Inspect. Both must have asked the same samples. Differences are A less B.

python -m stages.tools.compare runs/role runs/standard --metric acc_norm
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.core import command_line
from stages.core.errors import InputError
from stages.records.systems import derive_seed
from stages.tools.sample_logs import read

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = ("metric", "n", "left_out", "A", "B", "delta", "ci_low", "ci_high", "p", "p_holm", "verdict", "detectable")

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
    first: "dict[str, DataFrame]",
    second: "dict[str, DataFrame]",
    metric: str | None,
    margin: float,
    seed: int,
    *,
    pool: bool = False,
) -> dict[str, Entry]:
    """Task → its numbers; p values are adjusted by Holm's method over the tasks.

    Shares of right answers are compared by McNemar's exact test, other values by a permutation of their differences.
    Without a ``metric`` the first that both have is compared. Two systems that differ by less than ``margin`` are
    equivalent, where all values lie between 0 and 1. ``pool`` makes all tasks one.

    Raises:
        InputError: The two did not run the same tasks on the same samples, or do not have the metric.
    """
    import pandas as pd  # like NumPy and statistics it takes seconds to import

    from stages.scoring.tables import rounded
    from stages.statistics.paired import holm, verdict

    if first.keys() != second.keys():
        raise InputError(f"A has the tasks {', '.join(first)}; B has {', '.join(second)}: give two runs of the same")
    metrics = {task: _metric(task, log, second[task], metric) for task, log in first.items()}
    pairs = {
        task: pd.DataFrame({"A": log[metrics[task]], "B": second[task][metrics[task]].reindex(log.index)})
        for task, log in first.items()
    }
    if pool:
        if len(set(metrics.values())) > 1:
            raise InputError(f"--pool: the tasks have different metrics, {metrics}: choose one with --metric")
        metrics, pairs = {"all tasks": next(iter(metrics.values()))}, {"all tasks": pd.concat(pairs)}
    entries: dict[str, Entry] = {
        task: {"metric": metrics[task]} | _compared(pair, derive_seed(seed, "compare", task))
        for task, pair in pairs.items()
    }
    adjusted = holm([entry["p"] for entry in entries.values()])
    for pair, entry, p_holm in zip(pairs.values(), entries.values(), adjusted, strict=True):
        entry["p_holm"] = rounded(p_holm)
        if p_holm is not None:
            values = pair.dropna().to_numpy(float)
            within = margin if values.min() >= 0 and values.max() <= 1 else None
            entry["verdict"] = verdict(entry["delta"], entry["ci_low"], entry["ci_high"], p_holm, within)
    return entries


def _metric(task: str, first: "DataFrame", second: "DataFrame", metric: str | None) -> str:
    """The metric to compare; both must have it, on the same samples."""
    ours, theirs = set(first.index), set(second.index)
    if ours != theirs:
        raise InputError(
            f"{task}: the samples differ: {len(ours - theirs):,} of {len(ours):,} are in A alone, "
            f"{len(theirs - ours):,} of {len(theirs):,} in B alone: run both on the same version of the task with the "
            "same limit"
        )
    common = [name for name in first.columns if name in second.columns]
    if not common or (metric and metric not in common):
        raise InputError(
            f"{task}: expected {f'the metric {metric!r}' if metric else 'a metric'} in both logs: "
            f"A has {', '.join(first.columns) or 'none'}; B has {', '.join(second.columns) or 'none'}"
        )
    return metric or common[0]


def _compared(pair: "DataFrame", seed: int) -> Entry:
    """The numbers of one task [samples, 2] but for those that depend on other tasks; null without samples."""
    from stages.scoring.tables import FEWEST_GROUPS, rounded
    from stages.statistics.paired import difference, mean_difference

    both = pair.dropna()
    groups = None
    if both.index.nlevels > 1 and len(both.index.unique(0)) >= FEWEST_GROUPS:
        groups = both.index.get_level_values(0).factorize()[0]  # of pooled tasks, where they are enough to be groups
    test = difference if both.isin([0.0, 1.0]).all(axis=None) else mean_difference
    found = test(both[["A"]].to_numpy().T, both[["B"]].to_numpy().T, seed, groups)
    names = ("A", "B", "delta", "ci_low", "ci_high", "p", "p_holm", "verdict", "detectable", "n", "test")
    entry: Entry = dict.fromkeys(names) | {"n": len(both), "left_out": len(pair) - len(both)}
    if found is not None:
        numbers = asdict(found) | {"A": both["A"].mean(), "B": both["B"].mean()}
        entry |= {key: rounded(value) if isinstance(value, float) else value for key, value in numbers.items()}
    return entry


def table(entries: dict[str, Entry], margin: float) -> str:
    """The entries in columns, and what they mean below."""
    import pandas as pd

    shown = pd.DataFrame.from_dict(entries, orient="index")[list(COLUMNS)].fillna(float("nan"))
    tests = ", ".join(dict.fromkeys(entry["test"] for entry in entries.values() if entry["test"]))
    return f"""{shown.to_string(float_format="{:.4f}".format, na_rep="-")}

left_out    samples without a value in A or B
test        {tests or "none"}; p_holm is adjusted over the tasks above
verdict     higher or lower where p_holm < 0.05; equivalent where the interval lies within {margin:g} of 0
detectable  the smallest true difference that this comparison would find four times in five; - if none"""


if __name__ == "__main__":
    command_line.run(main)
