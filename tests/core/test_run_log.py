"""Each run of a stage leaves a line in logs/ with what is not stable, whatever became of it."""

import json
import subprocess
import sys

import pytest

from stages.core import command_line, run_log
from stages.core.errors import InputError


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    return tmp_path


def lines(folder):
    return [json.loads(line) for line in (folder / "logs/runs.jsonl").read_text().splitlines()]


def test_each_run_adds_a_line(repository, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "split")
    command_line.run(lambda: None)
    command_line.run(lambda: None)
    first, second = lines(repository)
    assert first["stage"] == second["stage"] == "split"
    assert first["outcome"] == "ok"
    assert first["cpu"] == run_log.cpu()
    assert first["peak_memory_mb"] > 1
    assert first["python"] == ".".join(str(part) for part in sys.version_info[:3])
    assert first["libraries"]["numpy"]


def test_a_run_that_fails_is_recorded_as_such(repository):
    def wrong():
        raise InputError("no")

    with pytest.raises(SystemExit):
        command_line.run(wrong)
    assert lines(repository)[0]["outcome"] == "InputError"


def test_results_make_no_commit_dirty_and_code_does(repository):
    def git(*arguments):
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
        return subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True).stdout.strip()

    (repository / ".gitignore").write_text("/logs/\n")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "-m", "one")
    (repository / "metrics").mkdir()
    (repository / "metrics/score.json").write_text("{}")
    command_line.run(lambda: None)
    (repository / "code.py").write_text("")
    command_line.run(lambda: None)
    clean, changed = lines(repository)
    assert clean["commit"] == git("rev-parse", "HEAD")
    assert (clean["dirty"], changed["dirty"]) == (False, True)


def test_a_log_that_cannot_be_written_stops_nothing(repository, caplog):
    (repository / "logs").write_text("a file where the folder should be")
    command_line.run(lambda: None)
    assert "this run is not recorded" in caplog.text


def test_outside_a_repository_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command_line.run(lambda: None)
    assert not list(tmp_path.iterdir())
