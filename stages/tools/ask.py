"""Ask the fine-tuned models any question: standard, standard with a role by hand, and self-prompting.

python -m stages.tools.ask "Why do cats purr?" --role "From now on, you are a veterinarian who studies cats."
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from stages.chat import self_prompt
from stages.core import command_line
from stages.decoding import conditions
from stages.decoding.parameters import Decoding
from stages.records.systems import System, read_plan

MODELS = Path("data/models")
ROLE, RESET = "\033[35m", "\033[0m"
DECODING = Decoding(dtype="float32", batch_tokens=8192)


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("question")
    parser.add_argument("--role", default=conditions.GENERIC, help="the role written by hand (default: an assistant)")
    parser.add_argument("--max-new-tokens", type=int, default=200)
    asked = parser.parse_args()
    shown = f"{ROLE}{{}}{RESET}" if sys.stdout.isatty() else "{}"
    for system in read_plan().systems:
        if system.arm is not None and system.condition is None:
            for title, output in answers(system, asked.question, asked.role, asked.max_new_tokens):
                role, text = self_prompt.split(output)
                print(f"\n== {title}\n{shown.format(role) if role else ''}\n\n{text.strip()}")


def answers(system: System, question: str, manual_role: str, max_new_tokens: int) -> Iterator[tuple[str, str]]:
    """What one trained model writes, greedily; ``standard`` also with the role in its question."""
    from stages.chat.rendering import render_prompt, tokenize
    from stages.decoding.context import QuestionEnd, next_question
    from stages.decoding.generating import Prompt, generate_all
    from stages.decoding.model import load

    loaded = load(MODELS / system.name, DECODING)
    mark = next_question(loaded.tokenizer)
    end = QuestionEnd(loaded.tokenizer, mark) if mark else None
    put = {system.name: question}
    if system.arm == "standard":
        put[f"{system.name}, with a role by hand"] = conditions.ask("manual", question, manual_role, None).message
    prompts = [
        Prompt(tokenize(loaded.tokenizer, render_prompt(loaded.tokenizer, [message])), max_new_tokens, until=end)
        for message in put.values()
    ]
    completions = generate_all(loaded, prompts, None, [0] * len(put), DECODING.batch_tokens)
    for title, completion in zip(put, completions, strict=True):
        text = str(loaded.tokenizer.decode(completion.ids, skip_special_tokens=True))
        cut = end.cut(text) if end else None
        yield title, text if cut is None else cut


if __name__ == "__main__":
    command_line.run(main)
