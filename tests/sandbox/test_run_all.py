from collections import Counter

import pytest

from stages.sandbox.runner import NO_SANDBOX, Runner, RunResult, available, fault_of, run_all
from tests.sandbox.programs import LIMITS, simple_task


def test_outcomes_stand_in_the_order_of_the_tasks():
    slow = "import time\ntime.sleep(0.3)\ndef answer():\n    return 0"
    programs = [slow, *(f"def answer():\n    return {number}" for number in range(1, 12))]
    tasks = [simple_task(program, f"assert candidate() == {i // 2 * 2}") for i, program in enumerate(programs)]
    assert [outcome.passed for outcome in run_all(tasks, LIMITS)] == [True, False] * 6


def test_the_same_task_is_run_once(monkeypatch: pytest.MonkeyPatch):
    asked: Counter = Counter()
    really = Runner.run

    def counted(self, task):
        asked[task.program] += 1
        return really(self, task)

    monkeypatch.setattr(Runner, "run", counted)
    one, other = (simple_task(f"def answer():\n    return {number}") for number in (1, 2))
    assert run_all([one, other, one, one], LIMITS) == [RunResult(passed=True, reason="passed")] * 4
    assert {program: count for program, count in asked.items() if program in (one.program, other.program)} == {
        one.program: 1,
        other.program: 1,
    }


def test_no_tasks_need_no_sandbox():
    assert run_all([], LIMITS, ()) == []


# Limits alone keep nothing away, so that asked to be a sandbox they stand for a machine without one.
NOT_A_SANDBOX = "rlimits"


def test_this_machine_offers_a_sandbox():
    assert available(LIMITS) in {"landlock", "namespaces"}


def test_what_lets_a_program_out_is_no_sandbox():
    assert fault_of(NOT_A_SANDBOX, LIMITS) is not None


def test_the_next_method_is_taken_where_one_does_not_hold():
    assert available(LIMITS, (NOT_A_SANDBOX, "namespaces")) == "namespaces"


def test_without_a_sandbox_nothing_is_run():
    outcomes = run_all([simple_task("def answer():\n    return 1")] * 2, LIMITS, (NOT_A_SANDBOX,))
    assert outcomes == [RunResult(None, NO_SANDBOX)] * 2


def test_limits_alone_where_the_parameters_say_so():
    limits = LIMITS.model_copy(update={"isolation": "limits_only"})
    assert available(limits, (NOT_A_SANDBOX,)) == "rlimits"
    programs = ["def answer():\n    return 1", "def answer():\n    return 2", "while True:\n    pass"]
    outcomes = run_all(
        [simple_task(program, "assert candidate() == 1") for program in programs], limits, (NOT_A_SANDBOX,)
    )
    assert [outcome.reason for outcome in outcomes] == ["passed", "failed: AssertionError", "limit: cpu_seconds"]


def test_the_probe_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    available(LIMITS, (NOT_A_SANDBOX, "landlock", "namespaces"))
    assert list(tmp_path.iterdir()) == []
