import json
import sys

from stages import contamination
from tests.reporting import example_run


def test_every_benchmark_and_the_open_ended_prompts_are_measured(tmp_path, monkeypatch):
    run = example_run.plan(extras=False)
    example_run.write_data(tmp_path, run, sizes=example_run.SMALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["contamination"])
    contamination.main()
    found = json.loads((tmp_path / "metrics/contamination.json").read_text())
    assert list(found) == [*run.benchmarks, "open_ended"]
    assert found["mmlu"]["questions"] == example_run.SMALL["mmlu"]
    assert found["mmlu"]["conversations"] == 30
