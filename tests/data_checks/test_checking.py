import json
import shutil
from pathlib import Path

import pytest

from stages.data_checks.checking import check_against_mirror, check_data
from stages.data_checks.findings import Report

DATA = Path("data")


@pytest.fixture
def copy(tmp_path):
    for part in ("bundled", "annotations"):
        shutil.copytree(DATA / part, tmp_path / part)
    return tmp_path


def change(path, line, alter):
    rows = path.read_text(encoding="utf-8").splitlines()
    row = json.loads(rows[line - 1])
    alter(row)
    rows[line - 1] = json.dumps(row, ensure_ascii=False)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def checked():
    return check_data(DATA)


def test_the_bundled_data_have_no_fault(checked):
    report, contents = checked
    assert report.in_order() == []
    assert len(contents.recorded["lima"]) == 1030


def test_a_contributor_learns_each_fault_by_file_and_line(copy):
    corpus = copy / "bundled/GAIR/lima/train.jsonl"
    gsm8k = copy / "bundled/openai/gsm8k/main/test.jsonl"
    strategy = copy / "bundled/tasksource/strategy-qa/train.jsonl"
    change(corpus, 7, lambda row: row["conversations"].__setitem__(0, "Something else?"))
    change(gsm8k, 3, lambda row: row.update(answer=row["answer"].replace("#### ", "#### 9")))
    change(strategy, 5, lambda row: row.update(qid="sq-001"))
    (copy / "bundled/manual_roles.json").unlink()
    found = [(fault.path, fault.line) for fault in check_data(copy)[0].in_order()]
    assert (copy / "annotations/bundled.jsonl", 7) in found
    assert (gsm8k, 3) in found
    assert (strategy, 5) in found
    assert (copy / "bundled/manual_roles.json", None) in found


def test_a_mirror_with_another_lima_and_a_text_of_ours(checked, tmp_path, monkeypatch):
    mirror = tmp_path
    (mirror / "GAIR/lima").mkdir(parents=True)
    first = json.loads((DATA / "bundled/GAIR/lima/train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    rows = [first, {"conversations": ["Why?", "Because."], "source": "stackexchange"}]
    (mirror / "GAIR/lima/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setenv("HUB_MIRROR", str(mirror))
    report = Report()
    check_against_mirror(checked[1], mirror, report)
    found = {(fault.path, fault.line): fault.message for fault in report.in_order()}
    assert "stands in GAIR/lima/train.jsonl too" in found[DATA / "bundled/GAIR/lima/train.jsonl", 1]
    assert found[DATA / "annotations/lima.jsonl", None] == "1030 annotations for 2 items"
    assert "not the SHA-256" in found[DATA / "annotations/lima.jsonl", 2]
