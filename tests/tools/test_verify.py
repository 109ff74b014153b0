"""A rerun in a clone: equal outs pass, and what differs, is missing or was changed by hand is named."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages.core import run_log
from stages.tools.verify import compare, recorded_cpus
from tests.import_graph import ROOT

PIPELINE = """\
stages:
  count:
    cmd: python count.py
    deps: [count.py]
    params: [seed]
    outs: [data/count.txt]
  score:
    cmd: python score.py
    deps: [data/count.txt, score.py]
    metrics: [metrics/score.json: {cache: false}]
"""
COUNT = "from pathlib import Path; Path('data').mkdir(exist_ok=True); Path('data/count.txt').write_text('1 2 3')"
SCORE = """\
import json
from pathlib import Path
Path('metrics').mkdir(exist_ok=True)
Path('metrics/score.json').write_text(json.dumps({'score': len(Path('data/count.txt').read_text()) / 10}))
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small pipeline of two stages, run once and committed."""
    folder = tmp_path_factory.mktemp("repository")
    files = {"dvc.yaml": PIPELINE, "params.yaml": "seed: 1\n", "count.py": COUNT, "score.py": SCORE}
    files[".gitignore"] = "/logs/\n/data/\n"
    for name, text in files.items():
        (folder / name).write_text(text)
    run(folder, "git", "init", "--quiet")
    run(folder, "dvc", "init", "--quiet")
    run(folder, "dvc", "repro")
    commit(folder)
    return folder


@pytest.fixture
def repository(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "repository", symlinks=True)


def commit(folder):
    run(folder, "git", "add", "--all")
    run(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "as it is")


def run(folder, *command, code=0):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_equal_outs_are_verified_and_the_clones_removed(repository, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    said = run(repository, sys.executable, "-m", "stages.tools.verify", "--force")
    assert said.count("2 of 2 outs equal: verified") == 2
    assert "count: 1 out(s) equal" in said
    assert not list((tmp_path / "temporary").glob("verify-*"))


def test_a_stage_that_is_not_deterministic_is_named(repository):
    (repository / "count.py").write_text(COUNT.replace("'1 2 3'", "'1 2 3' + __import__('os').urandom(2).hex()"))
    run(repository, "dvc", "repro")
    commit(repository)
    said = run(repository, sys.executable, "-m", "stages.tools.verify", "--clones", "2", code=1)
    assert "count: data/count.txt differs (recorded " in said
    assert "score: 1 out(s) equal" in said
    assert "metrics within 0.02: all" in said
    assert "NOT verified" in said


def test_a_result_changed_by_hand_is_reported(repository, capsys):
    rerun = shutil.copytree(repository, repository.parent / "rerun", symlinks=True)
    (repository / "metrics/score.json").write_text(json.dumps({"score": 0.9}))
    assert not compare(repository, rerun, tolerance=0.02)
    assert "changed since it was made: metrics/score.json is not what dvc.lock says" in capsys.readouterr().out


@pytest.mark.parametrize(("score", "good"), [(0.51, True), (0.6, False)])
def test_on_another_processor_metrics_decide_within_the_tolerance(repository, score, good, capsys):
    rerun = shutil.copytree(repository, repository.parent / "rerun", symlinks=True)
    (repository / "logs").mkdir()
    record = {"stage": "score", "outcome": "ok", "cpu": "another kind"}
    (repository / run_log.LOG).write_text(json.dumps(record) + "\n")
    (rerun / "score.py").write_text(SCORE.replace("len(Path('data/count.txt').read_text()) / 10", str(score)))
    run(rerun, "dvc", "repro")
    assert compare(repository, rerun, tolerance=0.02) is good
    said = capsys.readouterr().out
    assert "recorded on another kind; rerun on" in said
    assert ("metrics/score.json score: 0.5 recorded, 0.6 in the rerun" in said) is not good


def test_inputs_that_git_does_not_keep_are_there_in_the_clone(repository):
    corpora = repository / "data/corpora"
    corpora.mkdir()
    (corpora / "mine.txt").write_text("1 2")
    reads_it = "import shutil; shutil.copy('data/corpora/mine.txt', 'data/count.txt')"
    (repository / "count.py").write_text(reads_it)
    run(repository, "dvc", "repro")
    commit(repository)
    assert "2 of 2 outs equal: verified" in run(repository, sys.executable, "-m", "stages.tools.verify")


def test_an_out_that_the_rerun_lacks_is_missing(repository, capsys):
    rerun = shutil.copytree(repository, repository.parent / "rerun", symlinks=True)
    lock = (rerun / "dvc.lock").read_text()
    (rerun / "dvc.lock").write_text(lock[: lock.index("  score:")])
    assert not compare(repository, rerun, tolerance=0.02)
    said = capsys.readouterr().out
    assert "score: metrics/score.json differs (recorded " in said
    assert "rerun None)" in said


def test_a_line_of_the_log_that_a_kill_cut_off_is_passed_by(tmp_path):
    whole = json.dumps({"stage": "score", "outcome": "ok", "cpu": "Z80"})
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/runs.jsonl").write_text(f"{whole}\n{whole[:20]}\n")
    assert recorded_cpus(tmp_path) == {"Z80"}
