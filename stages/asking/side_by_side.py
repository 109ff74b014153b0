"""One question, answered by the arms beside one another."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stages import conditions
from stages.chat import self_prompt
from stages.chat.rendering import render_prompt, tokenize
from stages.decoding.generating import Prompt, generate
from stages.decoding.model import load
from stages.decoding.parameters import Decoding
from stages.decoding.sampling import Chooser
from stages.systems import Plan

MODELS = Path("data/models")


@dataclass(frozen=True)
class Answered:
    """An answer, its role prompt apart."""

    name: str
    role: str | None
    answer: str


def side_by_side(plan: Plan, question: str, manual_role: str, max_new_tokens: int) -> Iterator[Answered]:
    """The greedy answers of each trained model of the plan; ``standard`` also under the role written by hand."""
    decoding = Decoding(dtype="float32", batch_tokens=8192)
    for system in plan.systems:
        if system.arm is None or system.condition is not None:
            continue
        loaded = load(MODELS / system.name, decoding)
        for condition in (None, "manual") if system.arm == "standard" else (None,):
            put = conditions.ask(condition, question, manual_role, None)
            ids = tokenize(loaded.tokenizer, render_prompt(loaded.tokenizer, [put.message]) + put.prefix)
            (completion,) = generate(
                loaded, [Prompt(ids, max_new_tokens)], Chooser(None, [0]), [0], lambda tokens: None
            )
            role, answer = self_prompt.split(str(loaded.tokenizer.decode(completion.ids, skip_special_tokens=True)))
            yield Answered(system.name + (", with a role by hand" if condition else ""), role, answer)
