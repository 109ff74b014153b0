"""One arm from base weights to exported weights."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
import torch.distributed
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from stages import instruction_set
from stages.memory import keep_freed_memory
from stages.randomness import derive_seed, generator
from stages.records.conversation import AnnotatedConversation
from stages.systems import Arm
from stages.training import batches, loop
from stages.training.attention import implementation
from stages.training.checkpoints import Checkpoints, fingerprint
from stages.training.curve import LossRow, as_csv
from stages.training.data import Rows, rendered_rows
from stages.training.dropout import add_residual_dropout
from stages.training.engine import initialize, rank, start_processes_group, world_size
from stages.training.export import export
from stages.training.lean import keep_less
from stages.training.lora import with_adapters
from stages.training.loss import CompletionLoss
from stages.training.recipe import Recipe
from stages.training.room import check_room


@dataclass(frozen=True)
class Trained:
    """What is written down of a training; only the first process writes."""

    first_process: bool
    losses: str
    metrics: dict[str, float | int | None]


def fine_tune(
    base: Path,
    train: Sequence[AnnotatedConversation],
    validation: Sequence[AnnotatedConversation],
    arm: Arm,
    seed: int,
    recipe: Recipe,
    out: Path,
    checkpoint_folder: Path,
) -> Trained:
    """Train one arm and write the model to ``out``, whole or not at all; a killed run goes on where it was.

    Raises:
        InputError: Too little room on the disk, or nothing to learn in the corpus.
    """
    check_room(base, out.parent)
    instruction_set.hold(recipe.dtype)
    keep_freed_memory()
    torch.set_num_threads(recipe.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs seconds; nothing here reads such memory
    torch.manual_seed(derive_seed(seed, "finetune"))
    tokenizer = AutoTokenizer.from_pretrained(base)
    learnt = rendered_rows(tokenizer, train, arm, recipe.max_length, seed)
    held_out = rendered_rows(tokenizer, validation, arm, recipe.max_length, seed).rows if validation else []
    order = batches.epochs_order(len(learnt.rows), recipe.epochs, generator(seed, "order"))
    steps = [[learnt.rows[index] for index in step] for step in batches.optimizer_steps(order, recipe.batch_size)]

    start_processes_group()
    shaping = [recipe.model_dump(exclude={"checkpoint_every"}), learnt.rows, order, held_out, seed, world_size()]
    checkpoints = Checkpoints(checkpoint_folder, fingerprint(base, shaping), recipe.checkpoint_every)
    model = load(base, recipe)
    engine = initialize(CompletionLoss(model), recipe)
    losses = loop.train(engine, steps, held_out, recipe, checkpoints)
    unfinished = out.with_name(f".{out.name}.unfinished")
    if rank() == 0:  # the others might be late, and remove what the first has begun to write
        shutil.rmtree(unfinished, ignore_errors=True)
    export(engine, model, tokenizer, unfinished)
    if rank() == 0:
        shutil.rmtree(out, ignore_errors=True)
        unfinished.rename(out)
    finished = Trained(rank() == 0, as_csv(losses), metrics(learnt, len(steps), losses, recipe.epochs))
    torch.distributed.destroy_process_group()
    return finished


def load(base: Path, recipe: Recipe) -> PreTrainedModel:
    dtype: torch.dtype = getattr(torch, recipe.dtype)
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        base, dtype=dtype, attn_implementation=implementation(dtype)
    )
    keep_less(model)
    if recipe.residual_dropout:
        add_residual_dropout(model, recipe.residual_dropout)
    if recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return with_adapters(model, recipe.lora) if recipe.lora else model


def metrics(learnt: Rows, steps: int, losses: Sequence[LossRow], epochs: float) -> dict[str, float | int | None]:
    """Counts and losses for ``metrics/finetune/<model>-<arm>-<seed>.json``; no times, so that reruns are equal."""
    first, last = losses[0], losses[-1]
    return {
        "items": len(learnt.rows),
        "items_truncated": learnt.truncated,
        "items_dropped": len(learnt.dropped),
        "steps": steps,
        "completion_tokens": last.tokens,
        "loss": _rounded(_last_epoch(losses, steps, epochs)),
        "validation_loss_before": _rounded(first.validation_loss),
        "validation_loss": _rounded(last.validation_loss),
        "validation_role_loss": _rounded(last.validation_role_loss),
        "validation_answer_loss_before": _rounded(first.validation_answer_loss),
        "validation_answer_loss": _rounded(last.validation_answer_loss),
    }


def _last_epoch(losses: Sequence[LossRow], steps: int, epochs: float) -> float:
    """Mean training loss of a token over the last epoch: single steps, the last above all, are noise."""
    first = max(steps - round(steps / max(epochs, 1)), 0)
    taken = [(after.tokens - before.tokens, after.loss or 0.0) for before, after in pairwise(losses[first:])]
    return sum(tokens * loss for tokens, loss in taken) / sum(tokens for tokens, _ in taken)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
