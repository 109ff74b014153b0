"""A server that a stage starts lives no longer than the stage."""

import os
import shlex
import subprocess
import sys
import time

import psutil
import pytest

from tests.import_graph import ROOT

# A server that starts another process, as vLLM starts one a GPU, tells both their numbers, and answers nothing.
SERVER = """
import os, pathlib, subprocess, time
child = subprocess.Popen(["sleep", "600"])
pathlib.Path("numbers.new").write_text(f"{os.getpid()} {child.pid}")
os.rename("numbers.new", "numbers")
time.sleep(600)
"""
STAGE = """
import asyncio, pathlib, sys
from stages.servers.completions import start

async def main():
    async with start(sys.argv[1], "http://127.0.0.1:{port}/v1", pathlib.Path("model"), 600.0):
        pass

asyncio.run(main())
"""


@pytest.mark.parametrize("ending", ["kill", "terminate", "interrupt"])
def test_a_server_and_what_it_started_end_with_the_stage_even_when_that_is_killed(tmp_path, ending):
    command = shlex.join([sys.executable, "-c", SERVER])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    stage = subprocess.Popen(
        [sys.executable, "-c", STAGE, command], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    )
    await_true((tmp_path / "numbers").exists)
    numbers = [int(number) for number in (tmp_path / "numbers").read_text().split()]
    assert all(map(is_running, numbers))
    if ending == "interrupt":
        stage.send_signal(2)
    else:
        getattr(stage, ending)()
    stage.wait(60)
    await_true(lambda: not any(map(is_running, numbers)))


def is_running(number: int) -> bool:
    try:
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def await_true(condition):
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < 60
        time.sleep(0.05)
