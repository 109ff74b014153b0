"""A trained model's folder as a repository of the Hub: weights, tokenizer, and a card that tells its results."""

import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from stages.core.errors import InputError
from stages.publishing.results import Results, evaluations, section
from stages.records.systems import System

LICENSES = {"Llama-2": "llama2"}
"""The Hub's names of licences, where they are not the lower-cased ones of `models` in params.yaml."""

KNOWN = (
    "apache-2.0",
    "mit",
    "gemma",
    "llama2",
    "llama3",
    "cc-by-4.0",
    "cc-by-sa-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0",
)


def lay_out_model(root: Path, out: Path, system: System, results: Results) -> Path:
    """Copy a model to ``out/models/<name>`` and complete its card.

    Raises:
        InputError: The model is not here.
    """
    source, target = root / "data/models" / system.name, out / "models" / system.name
    if not (source / "README.md").is_file():
        raise InputError(f"{source} holds no trained model: run `dvc repro`, which trains it, or `dvc pull`")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    card = completed(ModelCard.load(source / "README.md"), system, results)
    (target / "README.md").unlink()  # what DVC links from its cache cannot be written to
    card.save(target / "README.md")
    return target


def completed(card: ModelCard, system: System, results: Results) -> ModelCard:
    """The card of the training with metadata that the Hub knows, and the results at its end."""
    metadata = ModelCardData(**(card.data.to_dict() | described(system, results)))
    return ModelCard(f"---\n{metadata}\n---\n\n{card.text.strip()}\n\n{section(results, system)}")


def described(system: System, results: Results) -> dict[str, Any]:
    """What the Hub shows and searches by."""
    preset = results.inputs.preset("models", system.model)
    name = LICENSES.get(preset["license"], preset["license"].lower())
    data: dict[str, Any] = {"language": "en", "license": name if name in KNOWN else "other"}
    if name not in KNOWN:
        data["license_name"] = name
    if preset.get("repository"):
        data["base_model"] = preset["repository"]
    corpus = results.inputs.preset("corpora", results.inputs.plan.corpus)
    if corpus.get("repository") and corpus.get("root") != "bundled":
        data["datasets"] = [corpus["repository"]]
    if found := evaluations(results, system):
        data |= {"model_name": system.name, "eval_results": found}
    return data
