"""Threads that sleep while they wait against threads that spin: ``make bench-waiting``; the last line is JSON.

Each measurement is a process of its own, since OpenMP reads ``OMP_WAIT_POLICY`` when it is loaded; passive and active
ones take turns, so that what else the machine does falls on both. A ratio is the median of passive steps a second over
that of active ones: 0.97 and more is what the pipeline accepts alone.

``generate``, ``train``: answering and training alone; ``generate_beside``, ``train_beside``: beside a process that
keeps one core busy.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

POLICIES = ("PASSIVE", "ACTIVE")
ROWS, PROMPT_TOKENS, NEW_TOKENS, TRAINED_TOKENS = 16, 64, 16, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("data/base/smollm2-135m"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=5, help="measurements of each policy")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--measure", choices=["generate", "train"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        step = WORK[arguments.measure](arguments.model, arguments.threads)
        print(json.dumps(steps_a_second(step, arguments.seconds)))
        return
    found = {}
    for work in WORK:
        found[work] = ratio(work, arguments)
        busy = multiprocessing.Process(target=spin, daemon=True)
        busy.start()
        found[f"{work}_beside"] = ratio(work, arguments)
        busy.terminate()
        busy.join()
    print(json.dumps(found))


def ratio(work: str, arguments: argparse.Namespace) -> float:
    """Passive to active steps a second, by processes that take turns."""
    options = ["--measure", work, "--model", str(arguments.model), "--threads", str(arguments.threads)]
    command = [sys.executable, "-m", "tests.bench.waiting", *options, "--seconds", str(arguments.seconds)]
    found: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    for turn in range(arguments.turns):
        for policy in POLICIES if turn % 2 else reversed(POLICIES):
            environment = os.environ | {"OMP_WAIT_POLICY": policy}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            found[policy].append(json.loads(done.stdout.splitlines()[-1]))
    passive, active = (statistics.median(found[policy]) for policy in POLICIES)
    print(f"{work}: passive {passive:.3f}, active {active:.3f} steps/s", flush=True)
    return round(passive / active, 3)


def steps_a_second(step: Callable[[], object], seconds: float) -> float:
    step()
    begin, count = time.perf_counter(), 0
    while (took := time.perf_counter() - begin) < seconds or not count:
        step()
        count += 1
    return count / took


def answering(folder: Path, threads: int) -> Callable[[], object]:
    """A step answers some prompts: many small products, and as many meetings of the threads."""
    from stages.decoding.generating import Chooser, Prompt, generate
    from stages.decoding.model import load
    from stages.decoding.parameters import Decoding

    loaded = load(folder, Decoding(dtype="float32", batch_tokens=1 << 20, threads=threads))
    prompts = [Prompt([row + 10] * PROMPT_TOKENS, NEW_TOKENS, until=lambda ids: False) for row in range(ROWS)]
    rows = list(range(ROWS))
    return lambda: generate(loaded, prompts, Chooser(None, rows), rows, lambda tokens: None)


def training(folder: Path, threads: int) -> Callable[[], object]:
    """A step is a forward and a backward pass."""
    import torch
    from transformers import AutoModelForCausalLM

    from stages.records import numerics

    numerics.prepare("float32", threads)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.arange(10, 10 + TRAINED_TOKENS)[None]

    def step() -> None:
        model(input_ids=ids, labels=ids).loss.backward()

    return step


def spin() -> None:
    while True:
        pass


WORK = {"generate": answering, "train": training}


if __name__ == "__main__":
    main()
