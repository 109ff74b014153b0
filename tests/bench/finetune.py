"""How fast fine-tuning is on a CPU, against TRL's SFTTrainer: ``python -m tests.bench.finetune``, last line JSON.

``ratio_trl``: completion tokens a second of ours to TRL's, over the same token ids: 64 items of LIMA of at most 1,024
tokens, one epoch, each at that of its settings below which is fastest on some of them. Both compute in bfloat16 and
keep weights and optimizer states in float32. ``ratio_trl_bfloat16_weights``: the same against TRL with weights and
states in bfloat16, which is faster but another training: ``weights_changed``, the share of weights that differ after
the epoch, tells how many a learning rate of 1e-5 moves at all. The first optimizer step is outside the time for both,
that of the longest items or, where TRL packs, of a pack: in it, memory that all later ones use again is touched for
the first time, and an epoch of a real corpus has hundreds.
``share_of_matmul``: the share of this machine's bfloat16 rate (a product of 4096 x 4096 matrices, just before and just
after) that our training reaches: (6 x body parameters x tokens + 6 x vocabulary x width x labelled tokens) / seconds,
optimizer included, / rate. Before all that, one batch's loss in float32 must equal TRL's to 1e-4.

Every measurement is a process of its own. HUB_MIRROR names a folder like the Hub's; without it, the bundled corpus
serves, which is shorter.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages.chat.rendering import Part, Rendered
from stages.corpora.preset import CorpusPreset
from stages.corpora.reading import read_corpus
from stages.records.conversation import AnnotatedConversation
from stages.training.rows import arm_rows

LIMIT, ITEMS, THREADS = 1024, 64, os.cpu_count() or 1
TRIED_ITEMS, TRIED_STEPS = 8, 2
"""Spread over LIMA as the others are; on so many at least each setting is tried."""

OURS = [{"batch": batch, "micro_batch": micro_batch} for batch, micro_batch in ((2, 2), (4, 4), (8, 4), (8, 8))]
TRL, TRL_BFLOAT16_WEIGHTS = (
    [
        {"batch": batch, "weights": weights, "layout": layout}
        for batch, layout in ((1, "grouped"), (4, "grouped"), (8, "grouped"), (1, "packed"), (4, "packed"))
    ]
    for weights in ("float32", "bfloat16")
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("data/base/smollm2-135m"), help="the base model's folder")
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--one", choices=MEASUREMENTS, help="for the processes that this one starts")
    parser.add_argument("--setting", type=json.loads, default={})
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    if arguments.one:
        print(json.dumps(MEASUREMENTS[arguments.one](arguments.base, rows(arguments.base, arguments.items), arguments)))
        return
    compare(arguments.base, arguments.items)


def compare(base: Path, items: int) -> None:
    found = rows(base, items)
    print(f"{len(found)} items, {sum(len(row.ids) for row in found)} tokens, {learnt(found)} learnt", flush=True)
    ours_loss, trl_loss = (measured(base, 4, name, {})["loss"] for name in ("ours_loss", "trl_loss"))
    print(f"loss of a batch: ours {ours_loss:.6f}, TRL's {trl_loss:.6f}", flush=True)
    if abs(ours_loss - trl_loss) > 1e-4:
        raise SystemExit("the losses of one batch differ by more than 1e-4")
    ours, trl = at_best(base, items, "ours", OURS), at_best(base, items, "trl", TRL)
    other = at_best(base, items, "trl", TRL_BFLOAT16_WEIGHTS)
    result = {
        "ratio_trl": round(ours["tokens_per_s"] / trl["tokens_per_s"], 3),
        "ratio_trl_bfloat16_weights": round(ours["tokens_per_s"] / other["tokens_per_s"], 3),
        "share_of_matmul": round(ours["share_of_matmul"], 3),
        "ours_tokens_per_s": round(ours["tokens_per_s"], 1),
        "trl_tokens_per_s": round(trl["tokens_per_s"], 1),
    }
    print(json.dumps(result))


def at_best(base: Path, items: int, name: str, settings: Sequence[dict[str, Any]]) -> dict[str, float]:
    """All items at the setting that is fastest with some of them."""
    sizes = [min(max(TRIED_ITEMS, TRIED_STEPS * setting["batch"]), items) for setting in settings]
    tried = [tokens_per_s(base, size, name, setting) for size, setting in zip(sizes, settings, strict=True)]
    fastest = max(range(len(settings)), key=lambda place: tried[place]["tokens_per_s"])
    return tokens_per_s(base, items, name, settings[fastest])


def tokens_per_s(base: Path, items: int, name: str, setting: dict[str, Any]) -> dict[str, float]:
    result = measured(base, items, name, setting)
    figures = ", ".join(f"{key} {value:.4g}" for key, value in result.items())
    print(f"{name}, {items} items, {json.dumps(setting)}: {figures}", flush=True)
    return result


def measured(base: Path, items: int, name: str, setting: dict[str, Any]) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.finetune", "--base", str(base), "--items", str(items)]
    command += ["--one", name, "--setting", json.dumps(setting)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} {setting} failed:\n{done.stderr[-3000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def rows(base: Path, items: int) -> list[Rendered]:
    """Items spread evenly over LIMA, as the arm ``standard`` sees them."""
    if not (base / "config.json").is_file():
        raise SystemExit(f"{base} holds no model: run `dvc repro base_model@smollm2-135m`, which makes it")
    if os.environ.get("HUB_MIRROR"):
        corpus = read_corpus("lima", CorpusPreset(repository="GAIR/lima", file="train.jsonl"), "mirror")
    else:
        print("HUB_MIRROR is not set: the bundled corpus serves, not LIMA", flush=True)
        corpus = read_corpus("bundled", CorpusPreset(repository="GAIR/lima", file="train.jsonl", root="bundled"), "hub")
    annotated = [AnnotatedConversation(**item.model_dump(), role="") for item in corpus]
    found = arm_rows(AutoTokenizer.from_pretrained(base), annotated, "standard")
    short = [row for row in found if len(row.ids) <= LIMIT]
    return short[:: len(short) // items][:items]


def learnt(found: Sequence[Rendered]) -> int:
    return sum(row.completion_tokens for row in found)


def ours(base: Path, found: list[Rendered], arguments: argparse.Namespace) -> dict[str, float]:
    """One epoch of our loop, by ZeRO 2."""
    from stages.training.loop import optimizer_step
    from stages.training.rows import optimizer_steps, tokens

    recipe, engine = our_engine(base, dtype="bfloat16", **arguments.setting)
    order = optimizer_steps(range(len(found)), recipe.batch_size)
    first, *steps = sorted(([found[index] for index in step] for step in order), key=tokens, reverse=True)
    optimizer_step(engine, first, recipe, recipe.learning_rate)
    before = matmul_rate()
    begin = time.perf_counter()
    for step in steps:
        optimizer_step(engine, step, recipe, recipe.learning_rate)
    seconds = time.perf_counter() - begin
    rate = (before + matmul_rate()) / 2
    timed = [row for step in steps for row in step]
    share = operations(engine.module.model, timed) / seconds / rate
    return {"tokens_per_s": learnt(timed) / seconds, "share_of_matmul": share, "matmul_gflops": rate / 1e9}


def our_engine(base: Path, batch: int, micro_batch: int, dtype: str) -> tuple[Any, Any]:
    from stages.records.numerics import keep_freed_memory
    from stages.training.engine import initialize, start_processes_group
    from stages.training.loss import CompletionLoss
    from stages.training.model import load
    from stages.training.recipe import Recipe

    recipe = Recipe(
        epochs=1,
        batch_size=batch,
        micro_batch_size=micro_batch,
        max_length=LIMIT,
        learning_rate=1e-5,
        final_learning_rate=1e-6,
        dtype=dtype,
        zero_stage=2,
        threads=THREADS,
        validate_every=1000,
    )
    keep_freed_memory()
    start_processes_group()
    return recipe, initialize(CompletionLoss(load(base, recipe)), recipe)


def operations(model: Any, found: Sequence[Rendered]) -> float:
    """Of forward and backward: the body's matrices on all tokens, the vocabulary's on labelled ones alone."""
    head = model.get_output_embeddings().weight.numel()
    embeddings = {id(model.get_input_embeddings().weight), id(model.get_output_embeddings().weight)}
    body = sum(parameter.numel() for parameter in model.parameters() if id(parameter) not in embeddings)
    return 6.0 * body * sum(len(row.ids) for row in found) + 6.0 * head * learnt(found)


def matmul_rate(size: int = 4096, tries: int = 3) -> float:
    """Floating point operations a second of a product of two square bfloat16 matrices, the best of some."""
    left, right = torch.randn(2, size, size, dtype=torch.bfloat16)
    times = []
    for _ in range(tries):
        begin = time.perf_counter()
        left @ right
        times.append(time.perf_counter() - begin)
    return float(2.0 * size**3 / min(times))


def trl(base: Path, found: list[Rendered], arguments: argparse.Namespace) -> dict[str, float]:
    """One epoch of SFTTrainer, whose sampler by length begins with the longest items."""
    from transformers import TrainerCallback

    from stages.training.rows import IGNORED

    with tempfile.TemporaryDirectory() as folder:
        trainer = trl_trainer(base, found, folder, **arguments.setting)
        collate, ends, learnt_in = trainer.data_collator, [], []

        def counted(examples: list[Any]) -> Any:
            batch = collate(examples)
            learnt_in.append(int((batch["labels"][:, 1:] != IGNORED).sum()))
            return batch

        class Clock(TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                ends.append(time.perf_counter())

        trainer.data_collator = counted
        trainer.add_callback(Clock())
        trainer.train()
        changed = weights_changed(base, trainer.model)
        return {"tokens_per_s": sum(learnt_in[1:]) / (ends[-1] - ends[0]), "weights_changed": changed}


def weights_changed(base: Path, model: Any) -> float:
    """The share of weights that differ from the base model's, as the trained model's type holds these."""
    before = dict(AutoModelForCausalLM.from_pretrained(base, dtype=model.dtype).named_parameters())
    pairs = [(before[name], weight) for name, weight in model.named_parameters()]
    return sum(int((old != new).sum()) for old, new in pairs) / sum(old.numel() for old, _ in pairs)


def trl_trainer(base: Path, found: list[Rendered], folder: str, batch: int, weights: str, layout: str) -> Any:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    masks = [[int(part is not Part.PROMPT) for part in row.parts] for row in found]
    config = SFTConfig(
        output_dir=folder,
        per_device_train_batch_size=batch,
        num_train_epochs=1,
        learning_rate=1e-5,
        max_length=LIMIT,
        completion_only_loss=True,
        packing=layout == "packed",
        train_sampling_strategy="group_by_length" if layout == "grouped" else "random",
        gradient_checkpointing=False,
        bf16=weights == "float32" and layout != "exact",  # automatic mixed precision over float32 weights
        optim="adamw_torch_fused",
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    return SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(base, dtype=getattr(torch, weights)),
        args=config,
        train_dataset=Dataset.from_dict({"input_ids": [row.ids for row in found], "completion_mask": masks}),
        processing_class=AutoTokenizer.from_pretrained(base),
    )


def ours_loss(base: Path, found: list[Rendered], arguments: argparse.Namespace) -> dict[str, float]:
    from stages.training.rows import micro_batch

    _, engine = our_engine(base, len(found), len(found), "float32")
    with torch.no_grad():
        return {"loss": float(engine(micro_batch(found))[0]) / learnt(found)}


def trl_loss(base: Path, found: list[Rendered], arguments: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        trainer = trl_trainer(base, found, folder, len(found), "float32", "exact")
        batch = trainer.data_collator([trainer.train_dataset[index] for index in range(len(found))])
        with torch.no_grad():
            return {"loss": float(trainer.compute_loss(trainer.model, dict(batch)))}


MEASUREMENTS = {"ours": ours, "trl": trl, "ours_loss": ours_loss, "trl_loss": trl_loss}


if __name__ == "__main__":
    main()
