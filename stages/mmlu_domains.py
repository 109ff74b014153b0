"""Figure 3: MMLU by domain, both arms with intervals, and their difference with its test."""

from pathlib import Path

from stages.core import command_line, parameters
from stages.records.files import read_jsonl, write_csv, write_json
from stages.records.results import Scored

SCORED = Path("data/scored.jsonl")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    # Statistics and drawing take seconds to import.
    from stages.figures import dots, style
    from stages.scoring.comparison import Statistics
    from stages.scoring.domains import COLUMNS, Domains, by_domain
    from stages.scoring.tables import rows

    domains = parameters.load("mmlu_domains", Domains)
    margin = parameters.load("statistics", Statistics).margin
    metrics = by_domain(read_jsonl(SCORED, Scored), domains, parameters.load("seed", int), margin)
    write_json(Path("metrics/mmlu_domains.json"), metrics)
    write_csv(Path("plots/mmlu_domains.csv"), COLUMNS, rows(metrics, COLUMNS))
    style.save(dots.domains(metrics), Path("plots/mmlu_domains"))


if __name__ == "__main__":
    command_line.run(main)
