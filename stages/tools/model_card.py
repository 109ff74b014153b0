"""The model card of a trained model, written where the model is published.

No stage names this file: a changed word in a card or a licence trains nothing again.
"""

import json
from pathlib import Path
from typing import Any

from stages.core import parameters
from stages.core.errors import InputError
from stages.records import files
from stages.training import recipe as recipes

ARMS = {
    "standard": "trained on the corpus as it is: question, answer",
    "role": "trained to write its own role prompt first, then a blank line, then the answer",
    "shuffled": "a control: trained with the role prompts permuted among the items",
    "constant": "a control: trained with one generic role prompt for every item",
    "restated": "a control: trained to restate the question's first sentence before the answer, without a role prompt",
    "brief": "trained as the arm `role`, with the first sentence of each role prompt alone",
}


def model_card(root: Path, name: str, scale: str, corpus: str) -> str:
    """Markdown that says what was trained, on what, how, from where, and what it is for.

    Args:
        root: The repository's top: params.yaml, data/models/ and metrics/finetune/ are read below it.
        name: Of the trained model, ``<model>-<arm>-<seed>``.
        scale: The key of ``scales`` that it was trained by.
        corpus: The key of ``corpora`` that it was trained on.

    Raises:
        InputError: The model or its metrics are not there, or its config.json does not say what it is.
    """
    model, arm, seed = _identity(root / "data/models" / name)
    path = root / "params.yaml"
    origin, license_name = (parameters.load(f"models.{model}.{key}", str, path) for key in ("origin", "license"))
    recipe, metrics = recipes.load(scale, model, path), files.read_json(root / "metrics/finetune" / f"{name}.json")
    return f"""---
license: {license_name.lower()}
library_name: transformers
pipeline_tag: text-generation
tags: [self-prompt-tuning, role-play, {arm}]
---

# {name}

An arm of a reimplementation of Self-Prompt Tuning (Kong et al., arXiv 2407.08995): {ARMS[arm]}.

**Base.** {origin} Licence: {license_name}.

**Data.** The corpus `{corpus}` with role prompts; assistant turns alone are learnt (role prompt, answer, end of turn).
Items that are too long for one arm are left out of all. Seed of training: {seed}.

**Intended use.** Research on self-prompting. Not evaluated for any use in which a wrong answer does harm.

{_table("recipe", recipe.model_dump())}

{_table("training", metrics)}
"""


def _identity(folder: Path) -> tuple[str, str, int]:
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))["self_prompt_tuning"]
        return str(told["model"]), str(told["arm"]), int(told["seed"])
    except FileNotFoundError:
        raise InputError(f"{folder} holds no trained model: run `dvc repro`, which trains it, or `dvc pull`") from None
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{folder / 'config.json'} does not say in `self_prompt_tuning` which model and arm it is: train it anew"
        ) from None


def _table(title: str, facts: dict[str, Any]) -> str:
    return "\n".join([f"| {title} | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in facts.items())])
