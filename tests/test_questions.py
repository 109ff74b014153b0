"""Names on the command line that are none are told with those that are."""

import subprocess
import sys

import pytest

from stages.core import command_line
from tests.import_graph import ROOT


def test_the_benchmarks_are_those_files_that_say_how_answers_are_read():
    found = command_line.modules("stages/benchmarks", "ANSWER_KIND")
    assert {"mmlu", "open_ended"} <= set(found)
    assert not {"lettered", "ordering"} & set(found)


@pytest.mark.parametrize("stage", ["questions", "generate"])
def test_an_unknown_benchmark_is_told_with_those_that_there_are(stage):
    command = [sys.executable, "-m", f"stages.{stage}", "--benchmark", "arc", "--model", "m", "--scale", "s"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "invalid choice: 'arc' (choose from" in done.stderr
    assert "gsm8k" in done.stderr
