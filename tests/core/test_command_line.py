"""How every stage and tool starts, and how it stops."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.import_graph import ROOT

COMMANDS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("stages", "stages/tools")
    for path in (ROOT / folder).glob("*.py")
    if "command_line.run(" in path.read_text()
)
HEAVY = {"torch", "transformers", "deepspeed", "dvc", "datasets", "sklearn", "scipy", "matplotlib", "openai", "numpy"}
START = f"""
import runpy, sys
module = sys.argv[1]
for argument in ("--help", "--no-such-argument"):
    sys.argv = [module, argument]
    try:
        runpy.run_module(module, run_name="__main__")
    except SystemExit as end:
        print("code", end.code)
print("imported", *sorted({HEAVY} & {{name.partition(".")[0] for name in sys.modules}}))
"""
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


def test_every_stage_and_tool_is_tried():
    assert len(COMMANDS) > 25
    assert {"stages.plan", "stages.generate", "stages.tools.repair"} <= set(COMMANDS)


@pytest.mark.parametrize("module", COMMANDS)
def test_help_and_wrong_arguments_answer_before_anything_heavy_is_imported(module, tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", START, module], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert [line for line in done.stdout.splitlines() if line.startswith(("code", "imported"))] == [
        "code 0",
        "code 2",
        "imported",
    ]
    assert "Traceback" not in done.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1  # seconds, however busy the machine


WORK = """
import subprocess, sys, time
from pathlib import Path
from stages.core import command_line
from stages.records.files import replacing

def main():
    below = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with replacing(Path("result")) as temporary:
        try:
            print(below.pid, flush=True)  # from here on, a signal may come
            time.sleep(60)
        finally:
            print("unwinding", flush=True)
            time.sleep(UNWINDING)

command_line.run(main)
"""


def start(folder: Path, unwinding: float) -> tuple[subprocess.Popen[str], int]:
    """A process in the middle of its work, and the number of one that it started."""
    command = [sys.executable, "-c", WORK.replace("UNWINDING", str(unwinding))]
    process = subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_unwinds_and_ends_in_a_line(tmp_path, number):
    process, below = start(tmp_path, unwinding=0)
    process.send_signal(number)
    process.wait(timeout=30)
    if number == signal.SIGTERM:
        assert ended(below)
    else:
        os.kill(below, signal.SIGKILL)  # a terminal's Ctrl-C would have reached it
    out, told = process.communicate()
    assert (process.returncode, out, told) == (130, "unwinding\n", "interrupted: run it again to go on\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_in_a_line_at_once(tmp_path, number):
    process, below = start(tmp_path, unwinding=60)
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.readline() == "unwinding\n"
    process.send_signal(number)
    told = process.communicate(timeout=10)[1]
    assert process.returncode == 130
    assert told == "interrupted again, ended at once: run it again to go on\n"
    assert ended(below)


def ended(process: int) -> bool:
    """Whether a process of another parent has ended within seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
