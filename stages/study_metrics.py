"""Metrics of a frozen study, from its item-level records: neither model nor data is needed.

The study's own run made `roles.json`, whose classifier reads the questions' texts, which a study does not hold.
"""

import shutil
from pathlib import Path

from stages.core import command_line, parameters
from stages.records.files import read_jsonl, write_json
from stages.records.results import Scored
from stages.records.systems import read_plan
from stages.studies.frozen import unpacked

METRICS = Path("metrics/studies")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--study", required=True, help="a folder of data/studies")
    name = parser.parse_args().study
    from stages.scoring.comparison import Statistics, compare
    from stages.scoring.domains import Domains, by_domain
    from stages.scoring.likelihoods import likelihoods, read_likelihoods
    from stages.scoring.summary import summarize
    from stages.scoring.tables import tabulate

    seed = parameters.load("seed", int)
    margin = parameters.load("statistics", Statistics).margin
    with unpacked(name) as run:
        domains = parameters.load("mmlu_domains", Domains, run / "params.yaml")
        plan = read_plan(run / "data/plan.json")
        items = read_jsonl(run / "data/scored.jsonl", Scored)
        tables, out = tabulate(items), METRICS / name
        write_json(out / "benchmarks.json", summarize(tables))
        write_json(out / "comparison.json", compare(tables, seed, margin))
        write_json(out / "mmlu_domains.json", by_domain(items, domains, seed, margin))
        write_json(out / "likelihood.json", likelihoods(read_likelihoods(plan, run / "data"), seed))
        shutil.copyfile(run / "metrics/roles.json", out / "roles.json")


if __name__ == "__main__":
    command_line.run(main)
