"""The whole pipeline, on a tiny random model in a temporary clone."""

import gzip
import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests.reporting import tracing
from tests.reporting.prose import Run, unknown
from tests.reporting.traces import untraced
from tests.temporary_clone import SMALL, choose, commit, copy_repository, git, run


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """The pipeline in a clone, run once."""
    folder = copy_repository(tmp_path_factory.mktemp("clone") / "repository")
    choose(folder, **SMALL)
    lock = read_yaml(folder / "dvc.lock")
    # The default run's entries would be read and written again after each stage.
    lock["stages"] = {name: entry for name, entry in lock["stages"].items() if name.startswith("study")}
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))
    run(folder, "dvc", "repro")
    return folder


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
def test_every_number_in_the_reports_prose_is_what_the_files_give(clone):
    finished = Run(clone)
    assert [(number, text) for text in finished.texts for number in unknown(finished, text)] == []


@pytest.mark.slow
def test_every_sentence_of_the_report_that_states_a_result_follows_from_the_files(clone):
    assert untraced(tracing.Run(clone)) == []


@pytest.mark.slow
def test_each_stage_declares_the_parameters_that_it_reads_and_no_others(clone):
    sections = set(read_yaml(clone / "params.yaml"))
    read_keys = keys_read(clone)
    ran = stage_names(clone)  # the lock also holds what other choices ran
    ran -= {name for name in ran if name.startswith("study")}  # up to date as committed, so that none of them ran
    for name, stage in ((name, it) for name, it in read_yaml(clone / "dvc.lock")["stages"].items() if name in ran):
        declared = set(stage.get("params", {}).get("params.yaml", {}))
        if any(dependency["path"] == "params.yaml" for dependency in stage["deps"]):
            declared = sections  # the plan, which checks all of them
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
def test_another_clone_pulls_what_was_pushed_and_runs_nothing(clone, tmp_path):
    source = copy_tree(clone, tmp_path / "source")
    run(source, "dvc", "remote", "add", "--default", "folder", str(tmp_path / "remote"))
    run(source, "dvc", "push")
    commit(source)
    git(tmp_path, "clone", "--quiet", str(source), "other")
    other = tmp_path / "other"
    assert "up to date" in run(other, "dvc", "repro", "--allow-missing", "--dry")
    run(other, "dvc", "pull")
    said = run(other, "dvc", "repro")
    assert "up to date" in said
    assert "Running stage" not in said
    assert not git(other, "status", "--porcelain")


@pytest.mark.slow
def test_an_experiment_runs_what_it_changes_and_is_compared(clone, tmp_path):
    other = copy_tree(clone, tmp_path / "experiment")
    commit(other)
    said = run(other, "dvc", "exp", "run", "-n", "fewer", "-S", "run.benchmarks=[mmlu,gsm8k]", "score")
    assert "Running stage 'score'" in said
    assert "python -m stages.generate" not in said
    changed = json.loads(run(other, "dvc", "metrics", "diff", "--json"))["metrics/benchmarks.json"]
    assert {key.split(".")[2] for key in changed} == {"humaneval"}
    assert "fewer" in run(other, "dvc", "exp", "show", "--csv", "--drop", ".*", "--keep", "Experiment")


def copy_tree(source: Path, folder: Path) -> Path:
    """The clone with its cache, so that what is done to it does not touch the one that tests share."""
    return Path(shutil.copytree(source, folder, symlinks=True))


@pytest.mark.slow
def test_the_lock_names_every_stage(clone):
    assert stage_names(clone) <= set(read_yaml(clone / "dvc.lock")["stages"])


@pytest.mark.slow
def test_another_choice_and_back_leaves_nothing(clone):
    before = read_yaml(clone / "dvc.lock")["stages"]
    choose(clone, baselines=["base"], benchmarks=["gsm8k"])
    run(clone, "dvc", "repro", "score")
    assert set(read(clone / "metrics/benchmarks.json")["tiny"]) == {"base", "standard", "role"}
    assert not (clone / "data/generations/tiny-role-1/mmlu.jsonl").exists()
    choose(clone, **SMALL)
    again = run(clone, "dvc", "repro", "score")
    after = read_yaml(clone / "dvc.lock")["stages"]
    assert {name: after[name] for name in before} == before
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
    choose(clone, **SMALL)


@pytest.mark.slow
def test_a_frozen_run_gives_the_same_metrics_without_texts_models_or_data(clone, tmp_path):
    run(clone, sys.executable, "-m", "stages.tools.freeze", "tried")
    texts = {question["question"] for path in (clone / "data/questions").glob("*.jsonl") for question in rows(path)}
    for path in (clone / "data/studies/tried").rglob("*.gz"):
        records = gzip.decompress(path.read_bytes()).decode()
        assert not [text for text in texts if len(text) > 40 and json.dumps(text)[1:-1] in records], path

    bare = copy_repository(tmp_path / "bare")
    shutil.copytree(clone / "data/studies/tried", bare / "data/studies/tried")
    (bare / "data/studies/tried/paper.md.jinja").write_text("{{ verdicts[0] }}\n\n{{ tables.main }}\n")
    parameters = read_yaml(bare / "params.yaml") | {"studies": {"tried": {"page": "docs/tried.md"}}}
    (bare / "params.yaml").write_text(yaml.safe_dump(parameters, sort_keys=False))
    run(bare, "dvc", "repro", "study")
    for name in ("benchmarks", "comparison", "likelihood", "mmlu_domains", "roles"):
        assert read(bare / f"metrics/studies/tried/{name}.json") == read(clone / f"metrics/{name}.json")
    assert {"main.png", "main.svg", "likelihood.svg", "mmlu_domains.svg", "wordclouds.png", "tables"} <= {
        path.name for path in (bare / "plots/studies/tried").iterdir()
    }
    assert (bare / "docs/tried.md").read_text().strip()
    assert not (bare / "data/models").exists() and not (bare / "data/base").exists()


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]
