"""The model card that lies in a trained model's folder."""

from collections.abc import Mapping
from typing import NamedTuple

from stages.training.recipe import Recipe

ARMS = {
    "standard": "trained on the corpus as it is: question, answer",
    "role": "trained to write its own role prompt first, then a blank line, then the answer",
    "shuffled": "a control: trained with the role prompts permuted among the items",
    "constant": "a control: trained with one generic role prompt for every item",
}


class Base(NamedTuple):
    """What a card tells of the base model: these keys alone of its preset, so that no other costs a training."""

    origin: str
    license: str


def card(
    model: str, base: Base, arm: str, seed: int, corpus: str, recipe: Recipe, metrics: Mapping[str, object]
) -> str:
    """Markdown that says what was trained, on what, how, from where, and what it is for."""
    facts = "\n".join(f"| {key} | {value} |" for key, value in recipe.model_dump().items())
    results = "\n".join(f"| {key} | {value} |" for key, value in metrics.items())
    return f"""---
license: {base.license.lower()}
library_name: transformers
pipeline_tag: text-generation
tags: [self-prompt-tuning, role-play, {arm}]
---

# {model}-{arm}-{seed}

An arm of a reimplementation of Self-Prompt Tuning (Kong et al., arXiv 2407.08995): {ARMS[arm]}.

**Base.** {base.origin} Licence: {base.license}.

**Data.** The corpus `{corpus}` with role prompts; assistant turns alone are learnt (role prompt, answer, end of turn).
Seed of training: {seed}.

**Intended use.** Research on self-prompting. Not evaluated for any use in which a wrong answer does harm.

| recipe | |
| --- | --- |
{facts}

| training | |
| --- | --- |
{results}
"""
