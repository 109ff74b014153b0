"""Show items as an arm learns them, in colour: what is prompt, role prompt, answer, end of turn. Trains nothing.

python -m stages.tools.preview --model smollm2-135m --arm role --scale mini --items 3
"""

from itertools import groupby
from pathlib import Path
from typing import get_args

from stages.core import command_line
from stages.core.errors import InputError
from stages.records import files
from stages.records.conversation import AnnotatedConversation
from stages.records.systems import Arm
from stages.training import recipe as recipes

COLOURS = ("\033[90m", "\033[35m", "\033[32m", "\033[36m")
"""Of the parts in their order: prompt, role prompt, answer, end of turn."""
RESET = "\033[0m"


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True, help="a key of `models` in params.yaml")
    parser.add_argument("--arm", required=True, choices=get_args(Arm))
    parser.add_argument("--scale", required=True, help="a key of `scales` in params.yaml")
    parser.add_argument("--items", type=int, default=3, help="how many to show (default: 3)")
    arguments = parser.parse_args()
    recipe = recipes.load(arguments.scale, arguments.model)
    train = files.read_jsonl(Path("data/split/train.jsonl"), AnnotatedConversation)
    base = Path("data/base") / arguments.model
    if not (base / "config.json").is_file():
        raise InputError(f"{base} holds no model: run `dvc repro base_model@{arguments.model}`, which makes it")
    preview(base, train, arguments.items, arguments.arm, recipe.max_length)


def preview(base: Path, items: list[AnnotatedConversation], count: int, arm: Arm, max_length: int) -> None:
    """Print the first items' text. All items are rendered, since ``shuffled`` deals the roles out among all of them."""
    from transformers import AutoTokenizer

    from stages.training.rows import rendered_rows

    tokenizer = AutoTokenizer.from_pretrained(base)
    found = rendered_rows(tokenizer, items, arm, max_length)
    for row in found.rows[:count]:
        for part, tokens in groupby(zip(row.parts, row.ids, strict=True), key=lambda pair: pair[0]):
            print(f"{COLOURS[part]}{tokenizer.decode([token for _, token in tokens])}{RESET}", end="")
        print(f"\n--- {len(row.ids)} tokens, {row.completion_tokens} learnt")
    print(
        "grey: masked, magenta: role prompt or other head, green: answer, cyan: end of turn; "
        f"{len(found.left_out)} of {len(items)} items have more than {max_length} tokens in one arm and are left out"
    )


if __name__ == "__main__":
    command_line.run(main)
