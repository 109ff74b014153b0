"""The card of a published model: the Hub's metadata, what was trained and how, the chat template, the results."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from stages.core.errors import InputError
from stages.records.systems import System
from stages.reporting import names, page, table, table_files
from stages.reporting.cautions import cautions
from stages.reporting.inputs import Inputs
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
TABLES = ("differences", "controls", "readings")
# The Hub's names of licences: those that it knows, and one that `models` in params.yaml calls otherwise.
KNOWN = {
    "apache-2.0", "mit", "gemma", "llama2", "llama3", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
}  # fmt: skip
OTHERWISE = {"Llama-2": "llama2"}


def card(run: Inputs, system: System) -> str:
    """The whole README.md of a model in ``data/models``.

    Raises:
        InputError: The model is not there.
    """
    folder = run.root / "data/models" / system.name
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} holds no trained model: run `dvc repro`, which trains it, or `dvc pull`")
    parts = [training(run, system), chat_template(folder), *results(run, system)]
    return f"---\n{ModelCardData(**metadata(run, system))}\n---\n\n" + "\n\n".join(parts) + "\n"


def training(run: Inputs, system: System) -> str:
    """What was trained, on what, how, from where, and what it is for."""
    preset = run.preset("models", system.model)
    recipe = recipes.load(run.plan.scale, system.model, run.root / "params.yaml").model_dump()
    return f"""# {system.name}

An arm of a reimplementation of Self-Prompt Tuning (Kong et al., arXiv 2407.08995): {ARMS[system.arm or ""]}.

**Base.** {preset["origin"]} Licence: {preset["license"]}.

**Data.** The corpus `{run.plan.corpus}` with role prompts; assistant turns alone are learnt (role prompt, answer, end
of turn). Items that are too long for one arm are left out of all. Seed of training: {system.seed}.

**Intended use.** Research on self-prompting. Not evaluated for any use in which a wrong answer does harm.

{_table(["recipe", ""], recipe.items())}

{_table(["training", ""], run.finetune[system.name].items())}"""


def metadata(run: Inputs, system: System) -> dict[str, Any]:
    """What the Hub shows and searches by."""
    preset, corpus = run.preset("models", system.model), run.preset("corpora", run.plan.corpus)
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
    if corpus.get("repository") and corpus.get("root") != "bundled":
        data["datasets"] = [corpus["repository"]]
    return data


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


def results(run: Inputs, system: System) -> Iterator[str]:
    """The model's scores, the report's tables of differences and readings, and what limits them."""
    others = set(run.models) - {system.model}
    of_model = replace(
        run,
        plan=run.plan.model_copy(update={"systems": [each for each in run.plan.systems if each.model not in others]}),
        metrics={name: {key: found[key] for key in found if key not in others} for name, found in run.metrics.items()},
    )
    yield "## Results"
    if run.plan.data == "bundled":
        yield BUNDLED
    yield "Scores with intervals (95%), in per cent, over all seeds of training that were run:"
    scores = {each: table.metric(of_model, "benchmarks", system.model, system.variant, each) for each in run.benchmarks}
    rows = [
        (names.benchmark(each), found.percent("score", interval=True).text, found.number("n").text)
        for each, found in scores.items()
    ]
    yield _table(["benchmark", "score", "questions"], rows)
    shown = [each for each in page.tables(of_model) if each.name in TABLES]
    notes = page.notes_said_once(of_model, shown)
    yield from (table_files.markdown(replace(each, notes=notes[each.name])).rstrip() for each in shown)
    yield "### Limits"
    yield "\n".join(f"- {text}" for text in cautions(of_model))


def _table(head: list[str], rows: Iterable[Iterable[Any]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in [head, ["---"] * len(head), *rows])
