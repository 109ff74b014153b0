"""Whatever is read from the Hub is read at a commit, so that nobody can change it afterwards."""

import ast
import logging
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from stages.benchmarks import strategyqa
from tests.import_graph import ROOT

READERS = {"load_dataset", "snapshot_download", "hf_hub_download"}
COMMIT = re.compile(r"[0-9a-f]{40}")
UNKNOWN = {"tasksource/strategy-qa"}
"""No commit is known here: the benchmark says so when it is read."""


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for path in sorted((ROOT / "stages").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield path, node


def name_of(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def test_every_call_that_reads_from_the_hub_passes_a_revision():
    """But for ``load_dataset`` of a snapshot, a folder that was fetched at one."""
    found = [(path, call) for path, call in calls() if name_of(call) in READERS]
    assert len(found) >= 6
    for path, call in found:
        snapshot = isinstance(call.args[0], ast.Call) and name_of(call.args[0]) == "cached_snapshot"
        assert snapshot or "revision" in {keyword.arg for keyword in call.keywords}, f"{path}, line {call.lineno}"


def benchmarks() -> Iterator[tuple[str, str | None]]:
    """The repository and revision of each benchmark, as its constants say."""
    for path in sorted((ROOT / "stages/benchmarks").glob("*.py")):
        constants = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
                names = [name.id for name in node.targets[0].elts if isinstance(name, ast.Name)]
                constants |= dict(zip(names, ast.literal_eval(node.value), strict=True))
        if "REPOSITORY" in constants:
            yield constants["REPOSITORY"], constants["REVISION"]


def entries(section: object) -> Iterator[dict]:
    """Every mapping of the parameters that names a repository, however deep."""
    if isinstance(section, dict):
        if "repository" in section and section.get("root") != "bundled":
            yield section
        for value in section.values():
            yield from entries(value)


def test_every_benchmark_is_pinned_to_a_commit():
    found = dict(benchmarks())
    assert len(found) >= 8
    assert {repository for repository, revision in found.items() if not COMMIT.fullmatch(revision or "")} == UNKNOWN


def test_every_repository_in_the_parameters_is_pinned_to_a_commit():
    found = list(entries(yaml.safe_load((ROOT / "params.yaml").read_text())))
    assert len(found) >= 6
    assert [each["repository"] for each in found if not COMMIT.fullmatch(each.get("revision") or "")] == []


class HubWithoutRows:
    folder = None

    def rows(self, *asked):
        assert asked[0] in UNKNOWN
        return iter([])


def test_what_is_not_pinned_says_so_when_it_is_read_from_the_hub(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        assert list(strategyqa.questions(HubWithoutRows(), random.Random(0))) == []
    assert "tasksource/strategy-qa is read at its newest commit" in caplog.text
    assert "set REVISION in stages.benchmarks.strategyqa" in caplog.text
