"""Any question put to models of random weights."""

import shutil
import sys

from stages.records.files import write_json
from stages.records.systems import Plan, System
from stages.tools import ask

NAMES = {"corpus": "bundled", "annotator": "recorded", "judge": "local", "data": "bundled", "scale": "mini"}
ARMS = [System(model="tiny", arm=arm, seed=1) for arm in ("standard", "role")]


def test_every_arm_answers_and_standard_also_with_a_role_by_hand(tmp_path, monkeypatch, capsys, tiny):
    monkeypatch.chdir(tmp_path)
    stripped = System(model="tiny", arm="role", condition="stripped", seed=1)
    write_json(tmp_path / "data/plan.json", Plan(systems=[*ARMS, stripped], benchmarks=[], **NAMES).model_dump())
    for system in ARMS:
        shutil.copytree(tiny, tmp_path / "data/models" / system.name)
    role = "From now on, you are a chemist."
    monkeypatch.setattr(sys, "argv", ["ask", "Why is rust red?", "--role", role, "--max-new-tokens", "3"])
    ask.main()
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("==")] == [
        "== tiny-standard-1", "== tiny-standard-1, with a role by hand", "== tiny-role-1",
    ]  # fmt: skip
    assert all(part.partition("\n")[2].strip() for part in out.split("\n== ") if part.strip())
