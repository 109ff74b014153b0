"""Add up what the run took: optimizer steps, tokens learnt and generated, requests, US dollars. Never times.

Writes metrics/costs.json.
"""

from pathlib import Path

from stages.core import command_line, parameters
from stages.costing.adding import costs
from stages.records import files
from stages.records.systems import Plan

PLAN = Path("data/plan.json")
METRICS = Path("metrics/costs.json")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    plan = parameters.validate(files.read_json(PLAN), Plan, "plan", PLAN)
    files.write_json(METRICS, costs(plan, Path()))


if __name__ == "__main__":
    command_line.run(main)
