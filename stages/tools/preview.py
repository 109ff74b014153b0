"""Items as an arm sees them, in colour: what is prompt, role, answer."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from transformers import AutoTokenizer

from stages.chat.rendering import Part
from stages.records.conversation import AnnotatedConversation
from stages.systems import Arm
from stages.training.data import rendered_rows
from stages.training.recipe import Recipe

COLOURS = {Part.PROMPT: "\033[90m", Part.ROLE: "\033[35m", Part.ANSWER: "\033[32m"}
RESET = "\033[0m"


def preview(
    base: Path, items: Sequence[AnnotatedConversation], count: int, arm: Arm, recipe: Recipe, seed: int
) -> None:
    """Print the first items' rendered text: grey is masked, magenta the role prompt, green the answer.

    All items are rendered, since the control ``shuffled`` deals the roles out among all of them.
    """
    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = rendered_rows(tokenizer, items, arm, recipe.max_length, seed)
    for row in rows.rows[:count]:
        for part, tokens in groupby(zip(row.parts, row.ids, strict=True), key=lambda pair: pair[0]):
            print(f"{COLOURS[part]}{tokenizer.decode([token for _, token in tokens])}{RESET}", end="")
        print(f"\n--- {len(row.ids)} tokens, {row.completion_tokens} learnt")
    print(
        f"grey: masked, magenta: role prompt, green: answer; {rows.truncated} of all {len(rows.rows)} items are cut at "
        f"{recipe.max_length} tokens"
    )
