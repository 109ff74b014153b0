from stages.sandbox.availability import NO_SANDBOX, Availability, availability, fault_of
from stages.sandbox.judge import Outcome
from stages.sandbox.judge_all import judge_all
from tests.sandbox.programs import LIMITS, simple_task

# Limits alone keep nothing away, so that asked to be a sandbox they stand for a machine without one.
NOT_A_SANDBOX = "rlimits"


def test_this_machine_offers_a_sandbox():
    assert availability(LIMITS).method in {"landlock", "namespaces"}


def test_what_lets_a_program_out_is_no_sandbox():
    assert fault_of(NOT_A_SANDBOX, LIMITS) is not None


def test_the_next_method_is_taken_where_one_does_not_hold():
    assert availability(LIMITS, (NOT_A_SANDBOX, "namespaces")) == Availability("namespaces")


def test_without_a_sandbox_nothing_is_run():
    outcomes = judge_all([simple_task("def answer():\n    return 1")] * 2, LIMITS, (NOT_A_SANDBOX,))
    assert outcomes == [Outcome(None, NO_SANDBOX)] * 2


def test_limits_alone_where_the_parameters_say_so():
    limits = LIMITS.model_copy(update={"isolation": "limits_only"})
    assert availability(limits, (NOT_A_SANDBOX,)) == Availability("rlimits")
    programs = ["def answer():\n    return 1", "def answer():\n    return 2", "while True:\n    pass"]
    outcomes = judge_all(
        [simple_task(program, "assert candidate() == 1") for program in programs], limits, (NOT_A_SANDBOX,)
    )
    assert [outcome.reason for outcome in outcomes] == ["passed", "failed: AssertionError", "limit: cpu_seconds"]


def test_the_probe_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    availability(LIMITS, (NOT_A_SANDBOX, "landlock", "namespaces"))
    assert list(tmp_path.iterdir()) == []
