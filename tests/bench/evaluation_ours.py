"""Our side of ``tests.bench.evaluation``: what the stage ``generate`` calls, on texts that are given."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

if "avx512f" in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
    # As whoever wants speed more than equal bytes sets them (docs/reproducing.md); the harness holds nothing either.
    os.environ |= {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "DEFAULT", "MKL_CBWR": "AUTO"}

from stages.chat.rendering import tokenize
from stages.decoding.choices import choice_logprobs
from stages.decoding.generating import Prompt, batches, generate
from stages.decoding.model import Loaded, load
from stages.decoding.parameters import Decoding
from stages.decoding.sampling import Chooser


def main() -> None:
    work: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    decoding = Decoding.model_validate(work["decoding"])
    loaded = load(Path(work["folder"]), decoding)
    clock = getattr(time, work["clock"])
    written(loaded, work["generate"][:1], 4, decoding.batch_tokens)
    begin = clock()
    outputs = written(loaded, work["generate"], work["max_new_tokens"], decoding.batch_tokens)
    done: dict[str, Any] = {"generate": {"outputs": outputs, "seconds": clock() - begin}}
    print(f"ours, generate: {done['generate']['seconds']:.1f} s", flush=True)
    done["loglikelihood"] = {}
    for shots, rows in work["loglikelihood"].items():
        begin = clock()
        logprobs = scored(loaded, rows, decoding.batch_tokens)
        done["loglikelihood"][shots] = {"logprobs": logprobs, "seconds": clock() - begin}
        print(f"ours, {shots}-shot: {done['loglikelihood'][shots]['seconds']:.1f} s", flush=True)
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")


def written(loaded: Loaded, texts: list[str], max_new_tokens: int, batch_tokens: int) -> list[str]:
    prompts = [Prompt(tokenize(loaded.tokenizer, text), max_new_tokens) for text in texts]
    chooser, found = Chooser(None, [0] * len(prompts)), {}
    for batch in batches(prompts, batch_tokens):
        completions = generate(loaded, [prompts[index] for index in batch], chooser, batch, lambda tokens: None)
        for index, completion in zip(batch, completions, strict=True):
            found[index] = str(loaded.tokenizer.decode(completion.ids, skip_special_tokens=True))
    return [found[index] for index in range(len(prompts))]


def scored(loaded: Loaded, rows: list[tuple[str, list[str]]], batch_tokens: int) -> list[list[float]]:
    """The log-probability of each choice after a text, in nats."""
    prompts = [Prompt(tokenize(loaded.tokenizer, text), 0) for text, _ in rows]
    choices = [[tokenize(loaded.tokenizer, choice) for choice in texts] for _, texts in rows]
    chooser = Chooser(None, [0] * len(prompts))
    found: dict[int, list[float]] = {}
    for batch in batches(prompts, batch_tokens):
        chosen = [prompts[index] for index in batch]
        completions = generate(loaded, chosen, chooser, batch, lambda tokens: None)
        logprobs = choice_logprobs(loaded, chosen, completions, [], [choices[index] for index in batch])
        found |= dict(zip(batch, logprobs, strict=True))
    return [found[index] for index in range(len(prompts))]


if __name__ == "__main__":
    main()
