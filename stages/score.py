"""Read and score what each system answered; compare the variants.

``--show mmlu:123`` prints one scored item instead: the question, and what every system made of it.
"""

from pathlib import Path

from stages.core import command_line, parameters
from stages.records.files import read_jsonl, write_csv, write_json, write_jsonl
from stages.records.results import Scored
from stages.records.systems import read_plan

SCORED = Path("data/scored.jsonl")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--show", metavar="ITEM", help="print one item, named mmlu:123 or by its id, and end")
    arguments = parser.parse_args()
    plan = read_plan()
    if arguments.show:
        from stages.scoring.show import show

        print(show(arguments.show, plan, read_jsonl(SCORED, Scored)))
        return
    # Statistics take seconds to import.
    from stages.scoring.comparison import Statistics, compare
    from stages.scoring.items import score_plan
    from stages.scoring.likelihoods import likelihoods, read_likelihoods
    from stages.scoring.summary import COLUMNS, summarize
    from stages.scoring.tables import rows, tabulate

    seed = parameters.load("seed", int)
    margin = parameters.load("statistics", Statistics).margin
    items = score_plan(plan, parameters.load(f"scales.{plan.scale}.generate.primary", str))
    tables = tabulate(items)
    benchmarks = summarize(tables)
    write_jsonl(SCORED, items)
    write_json(Path("metrics/benchmarks.json"), benchmarks)
    write_json(Path("metrics/comparison.json"), compare(tables, seed, margin))
    write_json(Path("metrics/likelihood.json"), likelihoods(read_likelihoods(plan), seed))
    write_csv(Path("plots/benchmarks.csv"), COLUMNS, rows(benchmarks, COLUMNS))


if __name__ == "__main__":
    command_line.run(main)
