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
    from stages.figures.wordclouds import draw_roles
    from stages.roles.numbers import summarize
    from stages.roles.written import BENCHMARK, written_roles
    from stages.scoring.domains import Domains

    plan = read_plan()
    domains = parameters.load("mmlu_domains", Domains)
    domain_of = {subject: domain for domain, subjects in domains.items() for subject in subjects}

    written = written_roles(read_jsonl(SCORED, Scored), domain_of)
    questions = read_jsonl(QUESTIONS / f"{BENCHMARK}.jsonl", Question) if written else []
    write_json(Path("metrics/roles.json"), summarize(written, questions, domains, parameters.load("seed", int)))

    shown = written.get(plan.systems[0].model, []) if plan.systems else []
    draw_roles(shown, domains, Path("plots/wordclouds.png"), Path("plots/wordclouds"))


if __name__ == "__main__":
    command_line.run(main)
