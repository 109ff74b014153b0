"""Figure 4: the roles that the role arm invents for MMLU's questions, as clouds or lists, and numbers beside them.

The figure shows the plan's first model; metrics/roles.json has every model's numbers.
"""

from pathlib import Path

from stages.core import command_line, parameters
from stages.records.files import read_jsonl, write_json
from stages.records.question import Question
from stages.records.results import Scored
from stages.records.systems import read_plan

QUESTIONS = Path("data/questions")
SCORED = Path("data/scored.jsonl")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    # Statistics and drawing take seconds to import.
    from stages.figures.wordclouds import draw
    from stages.roles.numbers import summarize
    from stages.roles.written import BENCHMARK, in_domain, phrases, written_roles
    from stages.scoring.domains import Domains

    plan = read_plan()
    domains = parameters.load("mmlu_domains", Domains)
    domain_of = {subject: domain for domain, subjects in domains.items() for subject in subjects}

    written = written_roles(read_jsonl(SCORED, Scored), domain_of)
    questions = read_jsonl(QUESTIONS / f"{BENCHMARK}.jsonl", Question) if written else []
    write_json(Path("metrics/roles.json"), summarize(written, questions, domains, parameters.load("seed", int)))

    shown = written.get(plan.systems[0].model, []) if plan.systems else []
    by_domain = {domain: in_domain(shown, domain) for domain in domains}
    asked = {domain: entries for domain, entries in by_domain.items() if entries}
    draw(
        {domain: phrases(entries) for domain, entries in asked.items()},
        {domain: len(entries) for domain, entries in asked.items()},
        sheet=Path("plots/wordclouds.png"),
        folder=Path("plots/wordclouds"),
    )


if __name__ == "__main__":
    command_line.run(main)
