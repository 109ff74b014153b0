import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from stages import preference
from stages.core.errors import InputError
from stages.records.files import write_json, write_jsonl
from stages.records.systems import Plan, System
from tests.judging.samples import outcomes

SYSTEMS = [System(model="tiny", arm=arm, seed=1) for arm in ("standard", "role")]
OUTPUTS = ("metrics/preference.json", "plots/preference.csv", "plots/preference.png", "plots/preference.svg")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the stage on judgements and give back its metrics."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["preference"])
    (tmp_path / "params.yaml").write_text("seed: 17\n")

    def with_judgements(judgements, systems=SYSTEMS):
        chosen = {"corpus": "bundled", "annotator": "recorded", "judge": "local", "data": "bundled", "scale": "mini"}
        write_json(Path("data/plan.json"), Plan(systems=systems, benchmarks=[], **chosen).model_dump())
        write_jsonl(Path("data/judgements.jsonl"), judgements)
        preference.main()
        return json.loads(Path("metrics/preference.json").read_text())

    return with_judgements


def test_the_table_holds_the_numbers_of_the_metrics(run):
    metrics = run(outcomes("WWWTLLFMU"))
    rows = list(csv.DictReader(Path("plots/preference.csv").read_text().splitlines()))
    pair = metrics["tiny"]["role - standard"]
    assert [row["outcome"] for row in rows] == ["win", "tie", "loss"]
    for row in rows:
        assert (row["model"], row["pair"], int(row["n"])) == ("tiny", "role - standard", 8)
        assert {key: float(row[key]) for key in ("share", "ci_low", "ci_high")} == pair[row["outcome"]]
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)


@pytest.mark.parametrize("pattern", ["", "U", "UUU", "W", "T" * 12, "F" * 12, "W" * 12, "WWLLTFMU" * 8])
def test_whatever_the_verdicts_all_outputs_are_written_and_hold_no_nan(run, pattern):
    metrics = run(outcomes(pattern))
    assert list(metrics) == ["tiny"]
    assert all(Path(name).stat().st_size for name in OUTPUTS)
    assert "NaN" not in Path("metrics/preference.json").read_text()
    assert "nan" not in Path("plots/preference.csv").read_text()


def test_without_pairs_the_metrics_are_empty(run):
    assert run([], systems=SYSTEMS[:1]) == {}
    assert all(Path(name).is_file() for name in OUTPUTS)


def test_two_runs_write_the_same_bytes(run):
    judgements = outcomes("WWLLTFMU" * 3) + outcomes("WLF" * 5, right="base")
    run(judgements)
    before = {name: Path(name).read_bytes() for name in OUTPUTS}
    run(judgements)
    assert {name: Path(name).read_bytes() for name in OUTPUTS} == before


def test_a_broken_line_is_named(run):
    run([])
    Path("data/judgements.jsonl").write_text('{"id": "open_ended-0"}\n')
    with pytest.raises(InputError, match=r"data/judgements.jsonl, line 1: model"):
        preference.main()


def test_counting_needs_no_model():
    code = "import sys, stages.preference; sys.exit(bool({'torch', 'transformers', 'openai'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False).returncode == 0
