"""The other side of ``tests.bench.evaluation``: lm-evaluation-harness's own Hugging Face model, on the same texts."""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # the model is a folder, and nothing else is asked for

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

SIZES = {"generate": (16, 32, 64, 128), "0-shot": (1, 4, 16, 32), "5-shot": (1, 4, 16), "cloze": (1, 4, 16, 32)}
TRIED_ITEMS = {"generate": 64, "0-shot": 32, "5-shot": 16, "cloze": 32}
"""How many items, spread over all, find the best batch size; answers are then cut at 64 tokens."""
TRIED_TOKENS = 64


def main() -> None:
    work: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(work["threads"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = HFLM(pretrained=work["folder"], device=device, dtype=work["decoding"]["dtype"], batch_size=1)
    clock = getattr(time, work["clock"])
    stop = model.tok_decode(model.eot_token_id, skip_special_tokens=False)

    def generate(texts: list[str], tokens: int) -> list[str]:
        settings = {"until": [stop], "max_gen_toks": tokens, "do_sample": False}
        return list(model.generate_until([instance("generate_until", (text, settings)) for text in texts], True))

    def loglikelihood(rows: list[tuple[str, list[str]]]) -> list[list[float]]:
        pairs = [(text, choice) for text, choices in rows for choice in choices]
        found = [value for value, _ in model.loglikelihood([instance("loglikelihood", pair) for pair in pairs], True)]
        return [[found.pop(0) for _ in choices] for _, choices in rows]

    def timed(size: int, task: Callable[[], Any]) -> tuple[float, Any]:
        model.batch_size_per_gpu = size
        begin = clock()
        found = task()
        return clock() - begin, found

    def at_best(
        kind: str, rows: list[Any], tried: Callable[[list[Any]], Any], whole: Callable[[], Any], key: str
    ) -> Any:
        """All of the items, at the batch size that is given, or at which some of them take least time."""
        some = rows[:: max(1, len(rows) // TRIED_ITEMS[kind])][: TRIED_ITEMS[kind]]
        sizes = [size for size in SIZES[kind] if size <= max(len(some), SIZES[kind][0])]
        if work["batch_size"]:
            sizes, some = [work["batch_size"]], some[:1]
        seconds = {size: timed(size, lambda: tried(some))[0] for size in sizes}
        print(f"lm_eval, {kind}: seconds by batch size { {size: round(took, 1) for size, took in seconds.items()} }")
        took, found = timed(min(seconds, key=seconds.__getitem__), whole)
        print(f"lm_eval, {kind}: {took:.1f} s", flush=True)
        return {key: found, "seconds": took}

    generate(work["generate"][:1], 4)
    texts, limit = work["generate"], work["max_new_tokens"]
    done: dict[str, Any] = {"loglikelihood": {}}
    done["generate"] = at_best(
        "generate", texts, lambda some: generate(some, TRIED_TOKENS), lambda: generate(texts, limit), "outputs"
    )
    for shots, rows in work["loglikelihood"].items():
        whole = partial(loglikelihood, rows)
        done["loglikelihood"][shots] = at_best(f"{shots}-shot", rows, loglikelihood, whole, "logprobs")
    rows = work["cloze"]
    done["cloze"] = at_best("cloze", rows, loglikelihood, partial(loglikelihood, rows), "logprobs")
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")


def instance(kind: Any, arguments: tuple[Any, ...]) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)


if __name__ == "__main__":
    main()
