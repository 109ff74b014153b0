import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stages import report
from stages.core.errors import InputError
from stages.records.files import write_text
from tests.reporting import example_run
from tests.reporting.conftest import run_stages


@pytest.fixture(scope="module")
def sparse(tmp_path_factory) -> Path:
    """Two models and two seeds, no sandbox, no roles, none of what a run may lack, and a table of an earlier choice."""
    run = example_run.plan(("small", "other"), (1, 2), extras=False)
    folder = example_run.write(
        tmp_path_factory.mktemp("sparse"), run, sandbox=False, roles=False, sizes=example_run.SMALL
    )
    write_text(folder / "plots/tables/controls.md", "old")
    run_stages(folder)
    return folder


def text_of(folder: Path) -> str:
    return re.sub(r"\s+", " ", (folder / "plots/report.html").read_text())


def test_a_missing_score_is_told_with_its_reason(sparse):
    assert "HumanEval has no score: this machine offers no sandbox." in text_of(sparse)
    rows = [line for line in (sparse / "plots/tables/main.md").read_text().splitlines() if "HumanEval |" in line]
    assert len(rows) == 2
    assert all("n/a" in row for row in rows)


def test_several_models_and_seeds_are_kept_apart(sparse):
    text = text_of(sparse)
    assert "Each arm was trained with 2 seeds" in text
    assert "small: role scored" in text
    assert "other: role scored" in text
    assert (sparse / "plots/tables/main.md").read_text().splitlines()[2].startswith("| Model | Benchmark |")


def test_a_model_that_writes_no_roles_is_said_to(sparse):
    text = text_of(sparse)
    assert "small: the role arm seldom wrote a role prompt on MMLU (0.0%)" in text
    assert "small: the role arm opened 0.0% of its answers" in text
    roles = json.loads((sparse / "metrics/roles.json").read_text())
    assert roles["small"]["belonging"]["share"] is None


def test_optional_files_may_be_absent(sparse, tmp_path):
    optional = ("mmlu_domains", "likelihood", "roles", "preference", "annotate", "costs", "examples", "contamination")
    for path in sparse.rglob("*"):
        if path.is_file() and path.stem not in optional and "plots" not in path.parts:
            copy = tmp_path / path.relative_to(sparse)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr(sys, "argv", ["report"])
        report.main()
    text = (tmp_path / "plots/report.html").read_text()
    assert 'id="roles"' not in text
    assert 'id="results"' in text
    assert sorted(path.stem for path in (tmp_path / "plots/tables").glob("*.md")) == [
        "differences", "main", "readings", "training",
    ]  # fmt: skip


def test_a_missing_file_that_every_run_has_is_named(sparse, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["report"])
    with pytest.raises(InputError, match=r"data/plan\.json does not exist"):
        report.main()


def test_the_report_needs_neither_torch_nor_transformers():
    heavy = ("torch", "transformers", "sklearn", "scipy")
    code = f"import sys, stages.report; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_tables_of_an_earlier_choice_are_taken_away(sparse):
    assert (sparse / "plots/tables/main.md").exists()
    assert not (sparse / "plots/tables/controls.md").exists()
