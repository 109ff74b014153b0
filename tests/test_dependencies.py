"""Every stage's ``deps`` hold its code: folders, its own file, and the one benchmark or server that it is about."""

import ast
import functools
from pathlib import Path

import pytest
import yaml

from tests.import_graph import ROOT, imported_files

WRITTEN = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
STAGES = {name: stage.get("do", stage) for name, stage in WRITTEN.items()}
CORE = "stages/core"
MOST = 8
BY_NAME = ("stages/benchmarks", "stages/servers", "stages/answers")
"""Code that is imported by a name in ``run`` or in a benchmark's file."""
FREE_OF_RESULTS = {"plan"}
"""``plan`` reads the types of all parameters; what it writes hangs on ``stages/planning`` and ``stages/records``."""


@functools.cache
def code_of(stage: str) -> frozenset[str]:
    module = STAGES[stage]["cmd"].split()[2].replace(".", "/")
    entries = [ROOT / f"{module}.py"]
    return frozenset(str(path.relative_to(ROOT)) for entry in entries for path in imported_files(entry))


def declared(stage: str) -> list[str]:
    return [dependency for dependency in STAGES[stage]["deps"] if dependency.startswith("stages/")]


def covered(path: str, dependencies: list[str]) -> bool:
    return any(path == dependency or Path(path).is_relative_to(dependency) for dependency in dependencies)


@pytest.mark.parametrize("name", sorted(STAGES.keys() - FREE_OF_RESULTS))
def test_all_that_is_imported_is_declared(name):
    missing = {path for path in code_of(name) if not covered(path, [*declared(name), CORE])}
    assert not missing, f"dvc.yaml, stage {name}: add to deps the folders of {sorted(missing)}"


@pytest.mark.parametrize("name", STAGES)
def test_all_that_is_declared_is_used(name):
    unused = [
        dependency
        for dependency in declared(name)
        if not dependency.startswith(BY_NAME) and not any(covered(path, [dependency]) for path in code_of(name))
    ]
    assert not unused, f"dvc.yaml, stage {name}: remove from deps: {unused}"


def folders() -> list[str]:
    named = {dependency for name in STAGES for dependency in declared(name)}
    return sorted(name for name in named if (ROOT / name).is_dir() and name not in BY_NAME)


@pytest.mark.parametrize("folder", folders())
def test_a_folder_holds_nothing_that_no_stage_naming_it_runs(folder):
    reached = {path for name in STAGES if folder in declared(name) for path in code_of(name)}
    if any(name.startswith("generate") and folder in declared(name) for name in STAGES):
        answering = imported_files(ROOT / "stages/servers/local.py")  # imported by its name
        reached |= {str(path.relative_to(ROOT)) for path in answering}
    there = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py") if path.read_text().strip()}
    assert not there - reached, "move it out of the folder: a change of it would run stages again that do not use it"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_lists_few_dependencies_of_code(name):
    assert len(declared(name)) <= MOST


def test_core_is_nobodys_dependency_and_imports_nothing_that_is():
    assert not [name for name in STAGES for dependency in declared(name) if dependency.startswith(CORE)]
    for path in (ROOT / CORE).glob("*.py"):
        assert {file.parent for file in imported_files(path)} <= {ROOT / CORE}


def test_core_writes_the_log_of_runs_and_nothing_else():
    """What is no dependency must not write to an output: only ``run_log.py`` opens a file for writing."""
    writing = {
        path.name
        for path in (ROOT / CORE).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in WRITERS
    }
    assert writing <= {"run_log.py", "machine.py"}  # which makes the folder whose free space it asks for


WRITERS = {"open", "write", "write_text", "write_bytes", "mkdir", "unlink", "rename", "replace_file", "rmtree"}
TAKEN = {
    "command_line": {"parser", "modules", "run"},
    "errors": {"InputError", "describe", "remedy"},
    "parameters": {"NAME", "Section", "load", "validate", "read", "find", "PATH", "Key"},
    "run_log": {"cpu", "LOG"},
    "machine": {"check_room", "free_bytes", "free_port"},
}
"""All that other code takes from core: parsers, messages, and values of ``params.yaml``, which DVC watches itself."""


def test_what_others_take_from_core_is_written_into_no_output():
    """A new name here must be shown to shape no result before it joins :data:`TAKEN`."""
    taken = set()
    for path in (ROOT / "stages").rglob("*.py"):
        if path.is_relative_to(ROOT / CORE):
            continue
        tree = ast.parse(path.read_text())
        modules = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "stages.core":
                modules |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stages.core."):
                taken |= {(node.module.rpartition(".")[2], alias.name) for alias in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                taken.add((node.value.id, node.attr))
    assert not {(module, name) for module, name in taken if name not in TAKEN.get(module, set())}


@pytest.mark.parametrize("name", [name for name in STAGES if name.startswith(("generate", "likelihood"))])
def test_answering_does_not_depend_on_how_answers_are_read(name):
    assert not {path for path in code_of(name) if path.startswith(("stages/answers", "stages/scoring"))}


def test_answering_in_the_stages_own_process_needs_no_client_of_a_server():
    files = imported_files(ROOT / "stages/generate.py") | imported_files(ROOT / "stages/servers/local.py")
    assert not [path for path in files if path.parent.name == "chat_models" or "import openai" in path.read_text()]


def test_words_about_a_model_cost_no_training():
    """Licence, origin and an official version to compare with are read by cards and the report alone."""
    read = [key for key in STAGES["finetune"]["params"] if key.startswith("models.")]
    assert read == ["models.${item.model}.finetune"]


def test_every_stage_says_what_it_does():
    assert all(stage["desc"].strip() for stage in STAGES.values())


@pytest.mark.parametrize("light", ["report", "score", "mmlu_domains", "preference"])
def test_figures_and_tables_need_no_torch(light):
    sources = [ROOT / path for path in code_of(light)]
    heavy = [path for path in sources if {"import torch", "from transformers"} & set(_imports(path))]
    assert not heavy


def _imports(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [key for line in lines for key in ("import torch", "from transformers") if line.startswith(key)]
