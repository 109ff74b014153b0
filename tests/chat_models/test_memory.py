import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.annotate import server_process

PROGRAM = """
import json, sys
from pathlib import Path
from stages.chat_models.client import ServedModel
from tests.chat_models.support import as_it_is, openai_preset, request

def megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20

count = int(sys.argv[2])
model = ServedModel(openai_preset(sys.argv[1], in_flight=64), Path(sys.argv[3]))
for done, outcome in enumerate(model.ask((request(str(n)) for n in range(count)), as_it_is), start=1):
    assert outcome.value
    if done == count // 10:
        early = megabytes()
print(json.dumps([early, megabytes(), done]))
"""


@pytest.mark.parametrize("count", [500, pytest.param(100_000, marks=pytest.mark.crash)])
def test_memory_stays_flat(tmp_path: Path, count: int) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with server_process(latency=0.0) as url:
        for _ in ("asked", "cached"):
            command = [sys.executable, "-c", PROGRAM, url, str(count), str(tmp_path)]
            run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            early, late, done = json.loads(run.stdout)
            assert done == count
            # SQLite's own cache fills up; 100,000 replies would take 100 MB.
            assert late - early < 8.0, (early, late)
