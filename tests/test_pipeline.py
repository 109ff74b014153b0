"""The whole pipeline, on a tiny random model in a temporary clone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.import_graph import ROOT

CHOICE = {
    "models": ["tiny"],
    "scale": "smoke",
    "benchmarks": ["mmlu", "gsm8k", "humaneval"],
    "baselines": [],
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A repository with the files of this one as they are now, run once."""
    folder = tmp_path_factory.mktemp("clone") / "repository"
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "as it is")
    choose(folder, **CHOICE)
    run(folder, "dvc", "repro")
    return folder


def choose(folder: Path, **changes) -> None:
    path = folder / "params.yaml"
    content = yaml.safe_load(path.read_text())
    content["run"].update(changes)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def git(folder: Path, *arguments: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment |= {
        "PYTHONPATH": str(ROOT / "tests/tracing"),
        "PARAMS_TRACE": str(folder.parent / "params_trace.jsonl"),
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr


def read(path: Path):
    return json.loads(path.read_text())


def read_yaml(path: Path):
    return yaml.safe_load(path.read_text())


def stage_names(folder: Path) -> set[str]:
    return set(run(folder, "dvc", "stage", "list", "--name-only").split())


@pytest.mark.slow
def test_everything_comes_out(clone):
    systems = ["tiny-standard-1", "tiny-role-1"]
    assert sorted(path.name for path in (clone / "data/models").iterdir()) == sorted(systems)
    for system in systems:
        names = {path.stem for path in (clone / "data/generations" / system).glob("*.jsonl")}
        assert names == {"mmlu", "gsm8k", "humaneval", "open_ended"}
    scores = read(clone / "metrics/benchmarks.json")["tiny"]
    assert set(scores) == {"standard", "role"}
    assert set(scores["role"]) == {"mmlu", "gsm8k", "humaneval"}
    assert {"score", "ci_low", "ci_high", "n", "unparsed_rate", "role_rate", "reading"} <= set(scores["role"]["mmlu"])
    assert "mmlu" in read(clone / "metrics/comparison.json")["tiny"]["role - standard"]
    for name in ("mmlu_domains.png", "wordclouds.png", "preference.png", "report.html"):
        assert (clone / "plots" / name).stat().st_size > 1000


@pytest.mark.slow
def test_each_stage_declares_the_parameters_that_it_reads_and_no_others(clone):
    sections = set(read_yaml(clone / "params.yaml"))
    read_keys = keys_read(clone)
    for name, stage in read_yaml(clone / "dvc.lock")["stages"].items():
        declared = set(stage.get("params", {}).get("params.yaml", {}))
        used = {key for found in read_keys.get(name, set()) for key in ([found] if found else sections)}
        undeclared = {key for key in used if not any(within(key, other) for other in declared)}
        unused = {key for key in declared if not any(within(key, o) or within(o, key) for o in used)}
        assert not undeclared, f"dvc.yaml, stage {name}: add to params: {sorted(undeclared)}"
        assert not unused, f"dvc.yaml, stage {name}: remove from params: {sorted(unused)}"


def keys_read(folder: Path) -> dict[str, set[str]]:
    """Keys of params.yaml by stage, as the processes of all runs so far asked for them."""
    found: dict[str, set[str]] = {}
    for line in (folder.parent / "params_trace.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found.setdefault(entry["stage"], set()).add(entry["key"])
    return found


def within(key: str, other: str) -> bool:
    return key == other or key.startswith(f"{other}.")


@pytest.mark.slow
def test_a_second_run_does_nothing(clone):
    assert "up to date" in run(clone, "dvc", "repro")
    assert "up to date" in run(clone, "dvc", "status")


@pytest.mark.slow
def test_the_lock_names_the_stages_and_no_others(clone):
    assert set(yaml.safe_load((clone / "dvc.lock").read_text())["stages"]) == stage_names(clone)


@pytest.mark.slow
def test_another_choice_and_back_leaves_nothing(clone):
    lock = (clone / "dvc.lock").read_bytes()
    choose(clone, baselines=["base"], benchmarks=["gsm8k"])
    run(clone, "dvc", "repro", "score")
    assert set(read(clone / "metrics/benchmarks.json")["tiny"]) == {"base", "standard", "role"}
    assert not (clone / "data/generations/tiny-role-1/mmlu.jsonl").exists()
    choose(clone, **CHOICE)
    again = run(clone, "dvc", "repro")
    assert (clone / "dvc.lock").read_bytes() == lock
    assert "python -m stages.finetune" not in again
    assert not (clone / "data/generations/tiny-base").exists()


@pytest.mark.slow
def test_a_changed_prompt_costs_its_own_benchmark_alone(clone):
    path = clone / "stages/benchmarks/gsm8k.py"
    original = path.read_text()
    path.write_text(original.replace("step by step", "slowly"))
    due = {line.rstrip(":") for line in run(clone, "dvc", "status").splitlines() if line and not line.startswith("\t")}
    path.write_text(original)
    assert {name for name in due if name.startswith("generate")} == {
        "generate@tiny-standard-1-gsm8k",
        "generate@tiny-role-1-gsm8k",
    }


@pytest.mark.slow
def test_a_changed_answer_pattern_costs_no_generation(clone):
    path = clone / "stages/answers/choice.py"
    original = path.read_text()
    path.write_text(original + "\n# another reading\n")
    due = run(clone, "dvc", "status")
    path.write_text(original)
    assert "score:" in due
    assert "generate" not in due


@pytest.mark.slow
def test_an_unknown_preset_stops_the_run_before_any_work(clone):
    choose(clone, models=["tiny"], benchmarks=["mmlu", "nonsense"])
    with pytest.raises(AssertionError, match=r"run.benchmarks: 'nonsense' is none of"):
        run(clone, "dvc", "repro")
    choose(clone, **CHOICE)
