"""Have a chat model behind a server answer the open-ended prompts, as a rival of the role arm where answers are judged.

It is asked each prompt as it stands, with the sampling of its own preset. Whatever is paid for is kept in the request
cache. Writes data/generations/rival-<name>/open_ended.jsonl, and beside it requests.json: what that took.
"""

import argparse
from pathlib import Path

from stages import command_line, parameters
from stages.chat_models.bill import Bill
from stages.chat_models.factory import open_chat_model
from stages.chat_models.preset import ChatPreset
from stages.files import read_jsonl, write_json, write_jsonl
from stages.records.question import Question
from stages.rivals.asking import answers, estimate
from stages.systems import System

QUESTIONS = Path("data/questions/open_ended.jsonl")
GENERATIONS = Path("data/generations")


def main() -> None:
    arguments = parse()
    preset = parameters.load(f"rivals.{arguments.rival}", ChatPreset)
    limit = parameters.load(f"scales.{arguments.scale}.preference.decoding.limit", int | None)  # type: ignore[arg-type]
    prompts = [question for question in read_jsonl(QUESTIONS, Question) if question.use == "test"][:limit]
    model = open_chat_model(preset)
    if arguments.dry_run:
        print(f"{arguments.rival}: {estimate(model, prompts)}")
        return
    bill = Bill(preset)
    folder = GENERATIONS / System(model=arguments.rival, rival="chat").name
    write_jsonl(folder / "open_ended.jsonl", answers(model, prompts, preset.tolerated_failures, bill))
    write_json(folder / "requests.json", bill.metrics())


def parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--rival", required=True, help="key of rivals in params.yaml")
    parser.add_argument("--scale", required=True, help="key of scales in params.yaml")
    parser.add_argument("--dry-run", action="store_true", help="say what is cached, missing, and what it would cost")
    return parser.parse_args()


if __name__ == "__main__":
    command_line.run(main)
