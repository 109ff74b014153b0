"""What starting a stage costs before it knows what to do."""

import subprocess
import sys

import pytest

from tests.import_graph import ROOT

HEAVY = "import sys, stages.{}; print(*{{'torch', 'transformers', 'deepspeed', 'openai'}} & set(sys.modules))"


@pytest.mark.parametrize("stage", ["generate", "likelihood", "tools.ask", "servers.local", "judge"])
def test_a_stage_that_is_only_asked_for_help_imports_no_heavy_library(stage):
    program = HEAVY.format(stage)
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() == ""
