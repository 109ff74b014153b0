"""A killed answering goes on where it was, to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.decoding.partial import ALONE, Partial, Share
from stages.records.results import Generation

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pathlib import Path
from stages.records import files
from stages.benchmarks import gsm8k
from stages.decoding.answering import answer
from stages.decoding.prompts import Job
from stages.decoding.parameters import Asking, Decoding
from stages.records.question import Question

model, out = Path(sys.argv[1]), Path(sys.argv[2])
questions = [
    Question(id=f"q-{i}", use="test", group="all", question=f"How much is {i} + {i * i}?", answer=str(i + i * i))
    for i in range(60)
]
asking = Asking(max_new_tokens=40, role_tokens=1)
decoding = Decoding(dtype="float32", batch_tokens=512, threads=1)
job = Job(model, "gsm8k", gsm8k, ["written"], None, asking, decoding, 1, out / "partial")
files.write_jsonl(out / "answers.jsonl", answer(job, questions))
"""


def start(model: Path, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(model), str(out)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )


def finish(model: Path, out: Path) -> str:
    running = start(model, out)
    _, said = running.communicate(timeout=600)
    assert running.returncode == 0, said[-3000:]
    return said


def lines(out: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (out / "partial").rglob("*.jsonl"))


def test_goes_on_after_a_kill_to_the_same_bytes(tiny, tmp_path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    finish(tiny, undisturbed)
    running = start(tiny, killed)
    begun = time.monotonic()
    while lines(killed) < 3 and time.monotonic() - begun < 300:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert 3 <= lines(killed) < lines(undisturbed)
    (partial,) = (killed / "partial").rglob("*.jsonl")
    partial.write_bytes(partial.read_bytes()[:-20])  # a line torn by the kill
    said = finish(tiny, killed)
    assert "answers are there from before" in said
    assert (killed / "answers.jsonl").read_bytes() == (undisturbed / "answers.jsonl").read_bytes()


def test_what_another_job_left_is_removed(tmp_path):
    generation = Generation(id="q", role=None)
    Partial(tmp_path, "a" * 64, Generation).add([0], [generation])
    assert Partial(tmp_path, "a" * 64, Generation).begin() == {0: generation}
    assert Partial(tmp_path, "b" * 64, Generation).begin() == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 20])
def test_every_batch_is_one_processes_and_their_order_stays(processes, count):
    dealt = [Share(rank, processes).of([[place] for place in range(count)]) for rank in range(processes)]
    assert sorted(batch for some in dealt for batch in some) == [[place] for place in range(count)]
    assert all(list(some) == sorted(some) for some in dealt)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


def test_batches_that_come_the_heaviest_first_weigh_alike_in_all_shares():
    weights = [[100 - place] for place in range(8)]
    assert [sum(map(sum, Share(rank, 2).of(weights))) for rank in range(2)] == [386, 386]
    assert list(ALONE.of(weights)) == weights
