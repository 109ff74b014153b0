"""Our side of ``tests.bench.evaluation``: what the stage ``generate`` calls, on texts that are given.

In several processes, as the stage answers with ``servers.local.processes``: on a CPU each has a part of the threads.
"""

import json
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

if "avx512f" in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
    # As whoever wants speed more than equal bytes sets them (docs/reproducing.md); the harness holds nothing either.
    os.environ |= {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "DEFAULT", "MKL_CBWR": "AUTO"}

from stages.chat.rendering import tokenize
from stages.decoding.choices import Row, loglikelihoods
from stages.decoding.context import continuations
from stages.decoding.generating import Chooser, Prompt, batches, generate
from stages.decoding.model import Loaded, load
from stages.decoding.parameters import Decoding
from stages.decoding.partial import Share

MOST_TOKENS = 20480
"""In memory at once while choices are scored, as at the scale ``mini``."""
TRIED_ITEMS, TRIED_TOKENS = 64, 64
"""What is answered before time counts, as the harness has tried its batch sizes by then."""


def main() -> None:
    work: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    processes = work["processes"]
    context = multiprocessing.get_context("fork")
    together, answers = context.Barrier(processes), context.SimpleQueue()
    started = [
        context.Process(target=started_process, args=(work, Share(rank, processes), together, answers), daemon=True)
        for rank in range(processes)
    ]
    for process in started:
        process.start()
    done: dict[str, Any] = {"loglikelihood": {}}
    for name in ("generate", *work["loglikelihood"], "cloze"):
        parts: list[tuple[dict[int, Any], float]] = []
        while len(parts) < processes:
            if (part := answers.get()) is None:
                sys.exit("ours: a process ended before its time; what it said stands above")
            parts.append(part)
        found = {index: value for part, _ in parts for index, value in part.items()}
        took = {"seconds": max(seconds for _, seconds in parts)}
        in_order = [found[index] for index in range(len(found))]
        if name == "generate":
            done[name] = {"outputs": in_order} | took
        elif name == "cloze":
            done[name] = {"logprobs": in_order} | took
        else:
            done["loglikelihood"][name] = {"logprobs": in_order} | took
        print(f"ours, {name}: {took['seconds']:.1f} s", flush=True)
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")


def started_process(work: dict[str, Any], share: Share, together: Any, answers: Any) -> None:
    """Its part, or a word that there will be none, so that nobody waits for it."""
    try:
        side_by_side(work, share, together, answers)
    except BaseException:
        answers.put(None)
        together.abort()
        raise


def side_by_side(work: dict[str, Any], share: Share, together: Any, answers: Any) -> None:
    """One process's part; all begin and end each task together."""
    loaded = load(Path(work["folder"]), Decoding.model_validate(work["decoding"]))
    clock = getattr(time, work["clock"])

    def timed(answer: Callable[[], dict[int, Any]]) -> None:
        together.wait()
        begin = clock()
        found = answer()
        together.wait()
        answers.put((found, clock() - begin))
        together.wait()

    written(loaded, work["generate"][:TRIED_ITEMS], TRIED_TOKENS, share)
    timed(lambda: written(loaded, work["generate"], work["max_new_tokens"], share))
    for rows in (*work["loglikelihood"].values(), work["cloze"]):
        timed(partial(scored, loaded, rows, share))


def written(loaded: Loaded, texts: Sequence[str], max_new_tokens: int, share: Share) -> dict[int, str]:
    """As many batches as processes: each holds as many rows as it can."""
    prompts = [Prompt(tokenize(loaded.tokenizer, text), max_new_tokens) for text in texts]
    budget = max(map(size, prompts)) * math.ceil(len(prompts) / share.processes)
    chooser, found = Chooser(None, [0] * len(prompts)), {}
    for batch in share.of(list(batches(prompts, budget))):
        completions = generate(loaded, [prompts[index] for index in batch], chooser, batch, lambda tokens: None)
        for index, completion in zip(batch, completions, strict=True):
            found[index] = str(loaded.tokenizer.decode(completion.ids, skip_special_tokens=True))
    return found


def scored(loaded: Loaded, rows: Sequence[tuple[str, list[str]]], share: Share) -> dict[int, list[float]]:
    """The log-likelihood of each choice after a text, in nats; in some batches each, so that all end together.

    What stands without a question is scored once for all choices, as the stage does.
    """
    texts: dict[str, dict[str, None]] = {}
    for text, choices in rows:
        texts.setdefault(text, {}).update(dict.fromkeys(choices))
    tokenized = [Row(*continuations(loaded.tokenizer, text, list(choices))) for text, choices in texts.items()]
    prompts = [Prompt(row.before, 0) for row in tokenized]
    budget = sum(map(size, prompts)) // (4 * share.processes)
    values: dict[str, dict[str, float]] = {}
    for batch in share.of(list(batches(prompts, budget))):
        found = loglikelihoods(loaded, [tokenized[index] for index in batch], max(budget, MOST_TOKENS))
        for index, logprobs in zip(batch, found, strict=True):
            text = list(texts)[index]
            values[text] = dict(zip(texts[text], logprobs, strict=True))
    mine = {index: row for index, row in enumerate(rows) if row[0] in values}
    return {index: [values[text][choice] for choice in choices] for index, (text, choices) in mine.items()}


def size(prompt: Prompt) -> int:
    """Tokens of a prompt and its answer."""
    return len(prompt.ids) + prompt.max_new_tokens


if __name__ == "__main__":
    main()
