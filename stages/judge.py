"""Have a judge compare the systems' answers to open-ended prompts, two at a time, in both orders.

The role arm is compared with every other system of its model and seed that answered the prompts, and with rivals. Role
prompts are taken out first, so that the judge sees answers alone; where an output was cut inside its role prompt, the
judge sees the empty answer that is left. Writes data/judgements.jsonl, one verdict a line, and
metrics/judge.json: what asking took.
"""

from pathlib import Path

from stages.chat_models import Bill
from stages.chat_models.preset import ChatPreset
from stages.core import command_line, parameters
from stages.judging.asking import estimates, judge, require_replies
from stages.judging.comparisons import comparisons
from stages.judging.pairs import BENCHMARK, Judging, answered_pairs, planned_pairs
from stages.records.files import read_jsonl, write_json, write_jsonl
from stages.records.question import Question
from stages.records.systems import read_plan

QUESTIONS = Path(f"data/questions/{BENCHMARK}.jsonl")
GENERATIONS = Path("data/generations")
BASE_MODELS = Path("data/base")
JUDGEMENTS = Path("data/judgements.jsonl")
METRICS = Path("metrics/judge.json")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--judge", required=True, help="key of judges in params.yaml")
    parser.add_argument("--scale", required=True, help="key of scales in params.yaml")
    parser.add_argument("--dry-run", action="store_true", help="say what is cached, missing, and what it would cost")
    arguments = parser.parse_args()
    preset: ChatPreset = parameters.load(f"judges.{arguments.judge}", ChatPreset)  # type: ignore[arg-type]
    judging = parameters.load(f"scales.{arguments.scale}.preference.judging", Judging)
    plan = read_plan()
    questions = [question for question in read_jsonl(QUESTIONS, Question) if question.use == "test"]

    pairs = answered_pairs(planned_pairs([*plan.systems, *plan.rivals]), GENERATIONS)
    compared = [each for pair in pairs for each in comparisons(pair, questions, GENERATIONS, judging.prompts)]
    if arguments.dry_run:
        print(*estimates(compared, preset, judging.answer_words, BASE_MODELS), sep="\n")
        return
    bill = Bill(preset)
    judgements = judge(compared, preset, judging.answer_words, BASE_MODELS, bill)
    require_replies(judgements, preset.tolerated_failures)
    write_jsonl(JUDGEMENTS, judgements)
    write_json(METRICS, bill.metrics())


if __name__ == "__main__":
    command_line.run(main)
