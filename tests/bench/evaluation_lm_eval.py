"""The other side of ``tests.bench.evaluation``: lm-evaluation-harness's own Hugging Face model, on the same texts."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # the model is a folder, and nothing else is asked for

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

GENERATE_SIZES = (16, 32, 64, 128)
LOGLIKELIHOOD_SIZES = (1, 4, 16, 32)
TRIED_ITEMS = {"generate": 64, "0": 32, "5": 16}
"""How many items, spread over all, find the best batch size; answers are then cut at 64 tokens."""
TRIED_TOKENS = 64


def main() -> None:
    work: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(work["decoding"]["threads"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = HFLM(pretrained=work["folder"], device=device, dtype=work["decoding"]["dtype"], batch_size=1)
    stop = model.tok_decode(model.eot_token_id, skip_special_tokens=False)

    def generate(texts: list[str], tokens: int) -> list[str]:
        settings = {"until": [stop], "max_gen_toks": tokens, "do_sample": False}
        return list(model.generate_until([instance("generate_until", (text, settings)) for text in texts], True))

    def loglikelihood(rows: list[tuple[str, list[str]]]) -> list[list[float]]:
        pairs = [(text, choice) for text, choices in rows for choice in choices]
        found = [value for value, _ in model.loglikelihood([instance("loglikelihood", pair) for pair in pairs], True)]
        return [[found.pop(0) for _ in choices] for _, choices in rows]

    generate(work["generate"][:1], 4)
    size = best(model, lambda: generate(spread(work["generate"], "generate"), TRIED_TOKENS), GENERATE_SIZES, "generate")
    seconds, outputs = timed(model, size, lambda: generate(work["generate"], work["max_new_tokens"]))
    done: dict[str, Any] = {"generate": {"outputs": outputs, "seconds": seconds}, "loglikelihood": {}}
    for shots, rows in work["loglikelihood"].items():
        size = best(
            model, lambda rows=rows, shots=shots: loglikelihood(spread(rows, shots)), LOGLIKELIHOOD_SIZES, shots
        )
        seconds, logprobs = timed(model, size, lambda rows=rows: loglikelihood(rows))
        done["loglikelihood"][shots] = {"logprobs": logprobs, "seconds": seconds}
    print("lm_eval, seconds:", done["generate"]["seconds"], {k: v["seconds"] for k, v in done["loglikelihood"].items()})
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")


def instance(kind: Any, arguments: tuple[Any, ...]) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)


def spread(rows: list[Any], kind: str) -> list[Any]:
    """Some of the items, from all over."""
    return rows[:: max(1, len(rows) // TRIED_ITEMS[kind])][: TRIED_ITEMS[kind]]


def best(model: HFLM, work: Callable[[], Any], sizes: tuple[int, ...], kind: str) -> int:
    """The batch size at which the work takes least time."""
    seconds = {size: timed(model, size, work)[0] for size in sizes}
    print(f"lm_eval, {kind}: seconds by batch size", {size: round(found, 2) for size, found in seconds.items()})
    return min(seconds, key=seconds.__getitem__)


def timed(model: HFLM, size: int, work: Callable[[], Any]) -> tuple[float, Any]:
    model.batch_size_per_gpu = size
    begin = time.perf_counter()
    found = work()
    return time.perf_counter() - begin, found


if __name__ == "__main__":
    main()
