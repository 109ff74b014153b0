"""What docs/experiments.md walks through: a table of models and seeds, a queue, a temporary copy, and back again."""

import csv
import json
import time
from pathlib import Path

import pytest
import yaml

from tests.temporary_clone import git, run

pytestmark = pytest.mark.experiments

OTHER = (
    "+models.other={source: random, architecture: mistral, chat_template: plain, dtype: float32, finetune: {}, "
    "origin: Another random model., license: MIT}"
)


def test_several_models_and_seeds_stand_in_one_table_and_leave_nothing_behind(repository):
    lock = (repository / "dvc.lock").read_bytes()
    choice = ["-S", OTHER, "-S", "run.models=[tiny,other]", "-S", "run.seeds=[1,2]"]
    said = run(repository, "dvc", "exp", "run", "-n", "table", *choice)
    assert "Stage 'finetune@tiny-standard-1' didn't change, skipping" in said
    scores = read(repository / "metrics/benchmarks.json")
    assert {
        (model, arm, of_arm["mmlu"]["seeds"]) for model, arms in scores.items() for arm, of_arm in arms.items()
    } == {(model, arm, 2) for model in ("tiny", "other") for arm in ("standard", "role")}
    table = (repository / "plots/tables/main.md").read_text()
    assert "tiny" in table
    assert "other" in table
    changed = json.loads(run(repository, "dvc", "metrics", "diff", "--json"))
    test = changed["metrics/comparison.json"]["tiny.role - standard.mmlu.test"]
    assert (test["old"], test["new"]) == ("permutation_by_group", "seeds_and_items_t")
    assert scores_by_experiment(repository)["table"] == str(scores["tiny"]["standard"]["mmlu"]["score"])
    run(repository, "dvc", "plots", "diff")
    page = (repository / "dvc_plots/index.html").read_text()
    assert "workspace" in page
    assert "loss/other-role-2.csv" in page
    git(repository, "checkout", "--", ".")
    again = run(repository, "dvc", "repro")
    assert "python -m stages.finetune" not in again
    assert (repository / "dvc.lock").read_bytes() == lock
    assert not git(repository, "status", "--porcelain")
    assert {path.name for path in (repository / "data/models").iterdir()} == {"tiny-standard-1", "tiny-role-1"}


def test_a_queue_runs_two_at_a_time_and_one_is_taken_over(repository):
    rate, losses = "scales.smoke.finetune.learning_rate", "metrics/finetune/tiny-role-1.json"
    before = read(repository / losses)
    assert run(repository, "dvc", "exp", "run", "--queue", "-S", f"{rate}=1e-3,5e-4", "finetune").count("Queued") == 2
    assert "Started '2' new experiments task queue workers" in run(repository, "dvc", "queue", "start", "-j", "2")
    names = ended(repository)
    assert not git(repository, "status", "--porcelain")
    logs = {name: run(repository, "dvc", "queue", "logs", name) for name in names}
    skipped = [name for name in names if "Stage 'finetune@tiny-role-1' didn't change, skipping" in logs[name]]
    assert len(skipped) == 1
    (other,) = set(names) - set(skipped)
    run(repository, "dvc", "exp", "apply", other)
    assert (
        yaml.safe_load((repository / "params.yaml").read_text())["scales"]["smoke"]["finetune"]["learning_rate"] == 5e-4
    )
    assert read(repository / losses) != before


def ended(repository: Path, patience: float = 1800.0) -> list[str]:
    """The names of the queue's experiments, once all of them have ended well."""
    until = time.monotonic() + patience
    while True:
        said = run(repository, "dvc", "queue", "status")
        rows = [line.split() for line in said.splitlines() if line.endswith(("Queued", "Running", "Success", "Failed"))]
        assert not [row for row in rows if row[-1] == "Failed"], said
        if all(row[-1] == "Success" for row in rows):
            return [row[1] for row in rows]
        assert time.monotonic() < until, said
        time.sleep(1)


def test_a_temporary_copy_leaves_the_files_alone_until_it_is_applied(repository):
    """The bundle lies as the Hub does, so that it serves as a mirror."""
    mirror = str(repository / "data/bundled")
    command = ("dvc", "exp", "run", "--temp", "-n", "mirrored", "-S", "run.data=mirror", "questions@mmlu")
    assert "Ran experiment(s): mirrored" in run(repository, *command, HUB_MIRROR=mirror)
    assert not git(repository, "status", "--porcelain")
    assert "for experiment 'mirrored' have been applied" in run(repository, "dvc", "exp", "apply", "mirrored")
    assert yaml.safe_load((repository / "params.yaml").read_text())["run"]["data"] == "mirror"
    assert "--data mirror" in (repository / "dvc.lock").read_text()


def scores_by_experiment(repository: Path) -> dict[str, str]:
    only = ("--csv", "--drop", ".*", "--keep", r"Experiment|tiny\.standard\.mmlu\.score")
    lines = run(repository, "dvc", "exp", "show", *only).splitlines()
    return {row["Experiment"]: row["tiny.standard.mmlu.score"] for row in csv.DictReader(lines)}


def read(path: Path):
    return json.loads(path.read_text())
