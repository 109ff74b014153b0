"""How often answers differ with the number of questions that are answered side by side.

make bench-batch-size: greedy answers of SmolLM2-135M to the bundled questions, for each budget of tokens against one
question at a time, in float32 and in bfloat16. The last line is JSON.
"""

import argparse
import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.decoding.choices import Row, loglikelihoods
from stages.decoding.context import continuations
from stages.decoding.generating import Chooser, batches, generate
from stages.decoding.model import Loaded, load
from stages.decoding.parameters import Asking, Decoding
from stages.decoding.prompts import Item, Job, prepare
from stages.records import files
from stages.records.question import Question
from stages.scoring.items import kind

ONE_AT_A_TIME = 1
BUDGETS = (2048, 8192, 20480)
NEW_TOKENS = {"gsm8k": 64, "mmlu": 56}
"""Longest answers, in tokens."""


@dataclass(frozen=True)
class Answered:
    """An answer, as read from what was written; log-probabilities of the choices, where there are any."""

    ids: list[int]
    written: str | None
    logprobs: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("data/base/smollm2-135m"))
    parser.add_argument("--items", type=int, default=24, help="questions of each benchmark")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    found = [
        row
        for dtype in ("float32", "bfloat16")
        for benchmark in NEW_TOKENS
        for row in rows(arguments.model, benchmark, arguments.items, dtype, arguments.threads)
    ]
    print(json.dumps(found))


def rows(folder: Path, benchmark: str, items: int, dtype: str, threads: int) -> Iterator[dict[str, Any]]:
    """For each budget, how many answers differ from those given one at a time."""
    module = importlib.import_module(f"stages.benchmarks.{benchmark}")
    asking = Asking(limit=items, max_new_tokens=NEW_TOKENS[benchmark], role_tokens=1)
    decoding = Decoding.model_validate({"dtype": dtype, "batch_tokens": BUDGETS[-1], "threads": threads})
    job = Job(folder, benchmark, module, ["letter", "written"], None, asking, decoding, 17, Path())
    loaded = load(folder, decoding)
    questions = files.read_jsonl(Path("data/questions") / f"{benchmark}.jsonl", Question)
    prepared = prepare(job, questions, None, loaded.tokenizer)
    alone = answers(loaded, job, prepared, ONE_AT_A_TIME)
    for budget in BUDGETS:
        together = answers(loaded, job, prepared, budget)
        row = {"dtype": dtype, "benchmark": benchmark, "batch_tokens": budget, "items": len(prepared)}
        row |= {"batches": len(list(batches([item.prompt for item in prepared], budget)))}
        row |= differences(alone, together)
        print(row, flush=True)
        yield row


def answers(loaded: Loaded, job: Job, items: list[Item], batch_tokens: int) -> list[Answered]:
    reader, found = kind(job.name), {}
    for batch in batches([item.prompt for item in items], batch_tokens):
        prompts = [items[index].prompt for index in batch]
        completions = generate(loaded, prompts, Chooser(None, [0] * len(items)), batch, lambda tokens: None)
        logprobs: list[list[float]] = [[]] * len(batch)
        if job.choice_readings:
            before = [items[index].before_choices(None, job.benchmark.TRIGGER) for index in batch]
            choices = [job.choices(items[index].question, "letter") for index in batch]
            rows = [Row(*continuations(loaded.tokenizer, *each)) for each in zip(before, choices, strict=True)]
            logprobs = loglikelihoods(loaded, rows, max(batch_tokens, BUDGETS[0]))
        for index, completion, of_choices in zip(batch, completions, logprobs, strict=True):
            text = str(loaded.tokenizer.decode(completion.ids, skip_special_tokens=True))
            found[index] = Answered(completion.ids, reader.read(text, items[index].question).value, of_choices)
    return [found[index] for index in range(len(items))]


def differences(alone: list[Answered], together: list[Answered]) -> dict[str, Any]:
    """Counts of items; the difference in nats is over items whose answers are equal, so that it is the choices' own."""
    pairs = list(zip(alone, together, strict=True))
    found: dict[str, Any] = {
        "outputs": sum(a.ids != b.ids for a, b in pairs),
        "written_answers": sum(a.written != b.written for a, b in pairs),
    }
    if alone[0].logprobs:
        found["likeliest_choices"] = sum(likeliest(a) != likeliest(b) for a, b in pairs)
        same = [abs(p - q) for a, b in pairs if a.ids == b.ids for p, q in zip(a.logprobs, b.logprobs, strict=True)]
        found["largest_difference_nats"] = float(f"{max(same, default=0.0):.2g}")
    return found


def likeliest(answered: Answered) -> int:
    return max(range(len(answered.logprobs)), key=answered.logprobs.__getitem__)


if __name__ == "__main__":
    main()
