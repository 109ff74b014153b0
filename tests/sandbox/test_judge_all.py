from collections import Counter

import pytest

from stages.sandbox.judge import Judge, Outcome
from stages.sandbox.judge_all import judge_all
from tests.sandbox.programs import LIMITS, simple_task


def test_outcomes_stand_in_the_order_of_the_tasks():
    slow = "import time\ntime.sleep(0.3)\ndef answer():\n    return 0"
    programs = [slow, *(f"def answer():\n    return {number}" for number in range(1, 12))]
    tasks = [simple_task(program, f"assert candidate() == {i // 2 * 2}") for i, program in enumerate(programs)]
    assert [outcome.passed for outcome in judge_all(tasks, LIMITS)] == [True, False] * 6


def test_the_same_task_is_run_once(monkeypatch: pytest.MonkeyPatch):
    asked: Counter = Counter()
    really = Judge.__call__

    def counted(self, task):
        asked[task.program] += 1
        return really(self, task)

    monkeypatch.setattr(Judge, "__call__", counted)
    one, other = (simple_task(f"def answer():\n    return {number}") for number in (1, 2))
    assert judge_all([one, other, one, one], LIMITS) == [Outcome(passed=True, reason="passed")] * 4
    assert {program: count for program, count in asked.items() if program in (one.program, other.program)} == {
        one.program: 1,
        other.program: 1,
    }


def test_no_tasks_need_no_sandbox():
    assert judge_all([], LIMITS, ()) == []
