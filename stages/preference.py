"""Count the judge's verdicts: wins, ties and losses of the role arm against each other system.

Writes metrics/preference.json, plots/preference.csv and Figure 5 as plots/preference.png and .svg.
"""

from pathlib import Path

from stages.core import command_line, parameters
from stages.records.files import read_jsonl, write_csv, write_json
from stages.records.results import Judgement
from stages.records.systems import read_plan

JUDGEMENTS = Path("data/judgements.jsonl")
METRICS = Path("metrics/preference.json")
FIGURE = Path("plots/preference")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    # Statistics and drawing take seconds to import.
    from stages.figures import preference, style
    from stages.judging.counting import PairKey
    from stages.judging.pairs import planned_pairs
    from stages.judging.summary import summarize

    plan = read_plan()
    arms = [pair for pair in planned_pairs(plan.systems) if pair.right.variant == "standard"]
    summaries = summarize(
        read_jsonl(JUDGEMENTS, Judgement),
        planned=[PairKey(pair.model, pair.name) for pair in arms],
        seed=parameters.load("seed", int),
    )
    write_json(METRICS, summaries)
    write_csv(FIGURE.with_suffix(".csv"), preference.COLUMNS, preference.csv_rows(summaries))
    style.save(preference.figure(summaries), FIGURE)


if __name__ == "__main__":
    command_line.run(main)
