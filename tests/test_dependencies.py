"""Every stage's `deps` hold its code, all of it and nothing else: a forgotten file would leave results stale."""

import functools
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.import_graph import ROOT, imported_files

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
TEXTS = {
    "base_model": {"stages/chat/jinja"},
    "official_model": {"stages/chat/jinja"},
    "annotate": {"stages/annotation/instruction.md"},
    "judge": {"stages/judging/instruction.md"},
    "report": {"stages/reporting/templates"},
}
"""Files that code reads and does not import."""
BY_NAME = ("stages/benchmarks", "stages/servers/$")
"""Files that are imported by a name in ``run``, and declared by it."""


@functools.cache
def code_of(stage: str) -> frozenset[str]:
    module = STAGES[stage]["cmd"].split()[2].removeprefix("stages.")
    return frozenset(str(path.relative_to(ROOT)) for path in imported_files(ROOT / f"stages/{module}.py"))


def declared(stage: dict[str, Any]) -> set[str]:
    return {dependency for dependency in stage["deps"] if dependency.startswith("stages/")}


def covered(path: str, dependencies: set[str]) -> bool:
    return any(path == dependency or Path(path).is_relative_to(dependency) for dependency in dependencies)


@pytest.mark.parametrize("name", STAGES)
def test_all_that_is_imported_is_declared(name):
    missing = {path for path in code_of(name) if not covered(path, declared(STAGES[name]))}
    assert not missing, f"dvc.yaml, stage {name}: add to deps: {sorted(missing)}"


@pytest.mark.parametrize("name", STAGES)
def test_all_that_is_declared_is_used(name):
    dynamic = {path for path in declared(STAGES[name]) if path.startswith(BY_NAME) or path == "stages/answers"}
    unused = declared(STAGES[name]) - code_of(name) - TEXTS.get(name, set()) - dynamic
    assert not unused, f"dvc.yaml, stage {name}: remove from deps: {sorted(unused)}"


@pytest.mark.parametrize("name", [name for name in STAGES if name.startswith("generate")])
def test_answering_does_not_depend_on_how_answers_are_read(name):
    assert not {path for path in code_of(name) if path.startswith(("stages/answers", "stages/scoring"))}


def test_answering_in_the_stages_own_process_needs_no_client_of_a_server():
    files = imported_files(ROOT / "stages/generate.py") | imported_files(ROOT / "stages/servers/local.py")
    assert not [path for path in files if path.parent.name == "chat_models" or "import openai" in path.read_text()]


def test_another_official_version_to_compare_with_costs_no_training():
    read = [key for key in STAGES["finetune"]["params"] if key.startswith("models.")]
    assert read == ["models.${item.model}.license", "models.${item.model}.origin"]


def test_every_stage_says_what_it_does():
    assert all(stage["desc"].strip() for stage in STAGES.values())


@pytest.mark.parametrize("light", ["report", "score", "mmlu_domains", "plan", "preference"])
def test_figures_and_tables_need_no_torch(light):
    sources = [ROOT / path for path in code_of(light)]
    heavy = [path for path in sources if {"import torch", "from transformers"} & set(_imports(path))]
    assert not heavy


def _imports(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [key for line in lines for key in ("import torch", "from transformers") if line.startswith(key)]
