"""Ask the fine-tuned models any question: standard, standard with a role by hand, and self-prompting (Figure 1).

python -m stages.tools.ask "Why do cats purr?" --role "From now on, you are a veterinarian who studies cats."
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from stages.core import command_line, parameters
from stages.decoding.conditions import GENERIC
from stages.decoding.parameters import Decoding
from stages.examples import Answer, Put, side_by_side
from stages.records import files
from stages.records.systems import Plan, System

PLAN = Path("data/plan.json")
ROLE, RESET = "\033[35m", "\033[0m"
DECODING = Decoding(dtype="float32", batch_tokens=8192)


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("question")
    parser.add_argument("--role", default=GENERIC, help="the role written by hand (default: a helpful assistant)")
    parser.add_argument("--max-new-tokens", type=int, default=200)
    arguments = parser.parse_args()
    plan = parameters.validate(files.read_json(PLAN), Plan, "plan", PLAN)
    trained = [system for system in plan.systems if system.arm is not None and system.condition is None]
    question = Put(arguments.question, arguments.role)
    for system, answers in side_by_side(trained, [question], DECODING, arguments.max_new_tokens):
        show(system, answers)


def show(system: System, answers: Sequence[Answer]) -> None:
    trained = system.model_copy(update={"condition": None}).name
    colour, plain = (ROLE, RESET) if sys.stdout.isatty() else ("", "")
    for answer in answers:
        role = f"{colour}{answer.role}{plain}\n\n" if answer.role else ""
        print(f"\n== {trained}{', with a role by hand' if system.condition else ''}\n{role}{answer.text}")


if __name__ == "__main__":
    command_line.run(main)
