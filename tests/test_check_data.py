import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def check(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("HUB_MIRROR", None)
    command = [sys.executable, "-m", "stages.check_data", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_faults_are_printed_and_end_in_exit_code_1(tmp_path):
    ended = check(tmp_path)
    assert ended.returncode == 1
    assert "data/bundled/cais/mmlu/all/test.jsonl: the file is missing" in ended.stdout


def test_a_mirror_that_is_not_named_is_an_error_that_says_so(tmp_path):
    ended = check(tmp_path, "--mirror")
    assert ended.returncode == 2
    assert "HUB_MIRROR is not set" in ended.stderr
