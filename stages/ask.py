"""Ask the fine-tuned models any question: standard, standard with a role by hand, and self-prompting (Figure 1).

python -m stages.ask "Why do cats purr?" --role "From now on, you are a veterinarian who studies cats."
"""

import sys
from pathlib import Path

from stages import command_line, files
from stages.asking.side_by_side import Answered, side_by_side
from stages.conditions import GENERIC
from stages.systems import Plan

ROLE, RESET = "\033[35m", "\033[0m"


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("question")
    parser.add_argument("--role", default=GENERIC, help="the role written by hand (default: a helpful assistant)")
    parser.add_argument("--max-new-tokens", type=int, default=200)
    arguments = parser.parse_args()
    plan = Plan.model_validate(files.read_json(Path("data/plan.json")))
    for answered in side_by_side(plan, arguments.question, arguments.role, arguments.max_new_tokens):
        show(answered)


def show(answered: Answered) -> None:
    colour, plain = (ROLE, RESET) if sys.stdout.isatty() else ("", "")
    role = f"{colour}{answered.role}{plain}\n\n" if answered.role else ""
    print(f"\n== {answered.name}\n{role}{answered.answer.strip()}")


if __name__ == "__main__":
    command_line.run(main)
