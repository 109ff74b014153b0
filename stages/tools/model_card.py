"""The card of a published model: the Hub's metadata, what was trained and how, the chat template, the results.

No stage names this file: a changed word in a card or a licence trains nothing again.
"""

import importlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from stages.core import parameters
from stages.core.errors import InputError
from stages.records import files
from stages.records.systems import System
from stages.reporting import names
from stages.reporting.cautions import cautions
from stages.reporting.inputs import Inputs
from stages.reporting.names import p_value, percent, points
from stages.training import recipe as recipes

ARMS = {
    "standard": "trained on the corpus as it is: question, answer",
    "role": "trained to write its own role prompt first, then a blank line, then the answer",
    "shuffled": "a control: trained with the role prompts permuted among the items",
    "constant": "a control: trained with one generic role prompt for every item",
    "restated": "a control: trained to restate the question's first sentence before the answer, without a role prompt",
    "brief": "trained as the arm `role`, with the first sentence of each role prompt alone",
}
BUNDLED = (
    "**The questions are this project's own, in the schemas of the benchmarks named (HumanEval's alone are the real "
    "ones). A score on them is no score on MMLU, GSM8K or any other benchmark of that name**, and may not be set "
    "beside one. It tells how two systems compare on these questions."
)
# The Hub's names of licences: those that it knows, and one that `models` in params.yaml calls otherwise.
KNOWN = {
    "apache-2.0", "mit", "gemma", "llama2", "llama3", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
}  # fmt: skip
OTHERWISE = {"Llama-2": "llama2"}

Entries = dict[str, dict[str, Any]]


def card(root: Path, run: Inputs, system: System) -> str:
    """The whole README.md of a model in ``data/models``.

    Raises:
        InputError: The model or its metrics are not there, or its config.json does not say what it is.
    """
    trained = training(root, system.name, run.plan.scale, run.plan.corpus)
    parts = [trained, chat_template(root / "data/models" / system.name), results(run, system)]
    return f"---\n{ModelCardData(**metadata(run, system))}\n---\n\n" + "\n\n".join(parts)


def training(root: Path, name: str, scale: str, corpus: str) -> str:
    """Markdown: what was trained, on what, how, from where, and what it is for.

    Reads params.yaml, data/models/ and metrics/finetune/ below ``root``; ``name`` is ``<model>-<arm>-<seed>``.

    Raises:
        InputError: The model or its metrics are not there, or its config.json does not say what it is.
    """
    model, arm, seed = _identity(root / "data/models" / name)
    path = root / "params.yaml"
    origin, license_name = (parameters.load(f"models.{model}.{key}", str, path) for key in ("origin", "license"))
    recipe, metrics = recipes.load(scale, model, path), files.read_json(root / "metrics/finetune" / f"{name}.json")
    return f"""# {name}

An arm of a reimplementation of Self-Prompt Tuning (Kong et al., arXiv 2407.08995): {ARMS[arm]}.

**Base.** {origin} Licence: {license_name}.

**Data.** The corpus `{corpus}` with role prompts; assistant turns alone are learnt (role prompt, answer, end of turn).
Items that are too long for one arm are left out of all. Seed of training: {seed}.

**Intended use.** Research on self-prompting. Not evaluated for any use in which a wrong answer does harm.

{_facts("recipe", recipe.model_dump())}

{_facts("training", metrics)}"""


def metadata(run: Inputs, system: System) -> dict[str, Any]:
    """What the Hub shows and searches by."""
    preset = run.preset("models", system.model)
    name = OTHERWISE.get(preset["license"], preset["license"].lower())
    data: dict[str, Any] = {
        "language": "en",
        "license": name if name in KNOWN else "other",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["self-prompt-tuning", "role-play", system.arm],
    }
    if name not in KNOWN:
        data["license_name"] = name
    if preset.get("repository"):
        data["base_model"] = preset["repository"]
    corpus = run.preset("corpora", run.plan.corpus)
    if corpus.get("repository") and corpus.get("root") != "bundled":
        data["datasets"] = [corpus["repository"]]
    if found := _evaluations(run, system):
        data |= {"model_name": system.name, "eval_results": found}
    return data


def _evaluations(run: Inputs, system: System) -> list[EvalResult]:
    """For the Hub's own lists: real benchmarks alone, never the bundled sets; HumanEval has no repository there."""
    if run.plan.data == "bundled":
        return []
    scores = _scores(run, system)
    modules = {name: importlib.import_module(f"stages.benchmarks.{name}") for name in scores}
    return [
        EvalResult(
            task_type="text-generation",
            dataset_type=modules[benchmark].REPOSITORY,
            dataset_name=names.benchmark(benchmark),
            metric_type="accuracy",
            metric_name=f"{names.READINGS.get(entry['reading'], entry['reading'])}, {entry['n']} questions",
            metric_value=entry["score"],
        )
        for benchmark, entry in scores.items()
        if hasattr(modules[benchmark], "REPOSITORY")
    ]


def chat_template(folder: Path) -> str:
    """How a question is put to the model, as its own tokenizer does it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    shown = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Why is the sky blue?"}], tokenize=False, add_generation_prompt=True
    )
    marks = "generation %}" in str(tokenizer.chat_template)
    masks = "`return_assistant_tokens_mask` finds the assistant's tokens by it." if marks else ""
    return f"""## Chat template

The tokenizer holds it: `tokenizer.apply_chat_template(messages, add_generation_prompt=True)`. {masks}

```text
{shown}
```"""


def results(run: Inputs, system: System) -> str:
    """Markdown: scores with intervals, differences with tests, and what limits them."""
    bundled = run.plan.data == "bundled"
    scores = [
        [
            names.benchmark(benchmark) + (" (bundled)" if bundled and benchmark != "humaneval" else ""),
            str(names.READINGS.get(entry["reading"], entry["reading"])),
            str(entry["n"]),
            percent(entry["score"]),
            f"{percent(entry['ci_low'])} to {percent(entry['ci_high'])}",
            percent(entry.get("unparsed_rate")),
            percent(entry.get("role_rate")),
        ]
        for benchmark, entry in _scores(run, system).items()
    ]
    head = ["benchmark", "read from", "questions", "score", "interval", "unreadable", "role prompts written"]
    parts = ["## Results", *([BUNDLED] if bundled else [])]
    parts += ["Scores and intervals (95%) in per cent, over all seeds of training that were run:", _table(head, scores)]
    for pair, found in run.metrics["comparison"].get(system.model, {}).items():
        if system.variant in pair.split(" - "):
            parts += [f"Differences, {pair}, in percentage points:", _differences(found)]
    parts += ["### Limits", "\n".join(f"- {text}" for text in cautions(run))]
    return "\n\n".join(parts) + "\n"


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


def _scores(run: Inputs, system: System) -> Entries:
    """Benchmark → entry of ``metrics/benchmarks.json``, those that have a score."""
    found = run.metrics["benchmarks"].get(system.model, {}).get(system.variant, {})
    return {benchmark: entry for benchmark, entry in found.items() if entry.get("score") is not None}


def _differences(found: Entries) -> str:
    rows = [
        [
            names.benchmark(benchmark),
            points(entry["delta"]),
            f"{points(entry['ci_low'])} to {points(entry['ci_high'])}",
            p_value(entry.get("p")),
            p_value(entry.get("p_holm")),
            percent(entry.get("detectable")),
        ]
        for benchmark, entry in found.items()
        if entry.get("delta") is not None
    ]
    return _table(["benchmark", "difference", "interval", "p", "p after Holm", "detectable"], rows)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _facts(title: str, facts: dict[str, Any]) -> str:
    return _table([title, ""], ([key, str(value)] for key, value in facts.items()))
