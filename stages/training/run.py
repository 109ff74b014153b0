"""One arm from base weights to exported weights."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import deepspeed
import torch
import torch.distributed
from deepspeed import DeepSpeedEngine
from torch import Tensor
from transformers import AutoTokenizer, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from stages.chat.rendering import Part, Rendered, stops
from stages.core.errors import InputError
from stages.records import numerics
from stages.records.conversation import AnnotatedConversation
from stages.records.systems import Arm, System, derive_seed, generator
from stages.training import loop
from stages.training import rows as packing
from stages.training.checkpoints import Checkpoints, fingerprint
from stages.training.curve import LossRow, as_csv
from stages.training.engine import initialize, rank, start_processes_group, world_size
from stages.training.loss import CompletionLoss
from stages.training.model import has_adapters, load, merged
from stages.training.recipe import Recipe


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
    trained_as: System,
    recipe: Recipe,
    out: Path,
    checkpoint_folder: Path,
) -> Trained:
    """Train one arm and write the model to ``out``, whole or not at all. A killed run resumes with the same result.

    Both sides' items come in the order of the whole corpus. The seed of ``trained_as`` is that of the order of training
    and of dropout.

    Raises:
        InputError: No item fits, or the chat template cannot be used.
    """
    arm, seed = trained_as.arm, trained_as.seed
    assert arm is not None and seed is not None
    numerics.prepare(recipe.dtype, recipe.threads)
    torch.manual_seed(derive_seed(seed, "finetune"))
    tokenizer = AutoTokenizer.from_pretrained(base)
    learnt = training_rows(tokenizer, train, arm, recipe)
    held_out = validation_rows(tokenizer, validation, arm, recipe)
    order = packing.epochs_order(len(learnt.rows), recipe.epochs, generator(seed, "order"))
    steps = [[learnt.rows[index] for index in step] for step in packing.optimizer_steps(order, recipe.batch_size)]

    start_processes_group()
    shaping = [recipe.model_dump(exclude={"checkpoint_every"}), learnt.rows, order, held_out, trained_as, world_size()]
    checkpoints = Checkpoints(checkpoint_folder, fingerprint(base, shaping), recipe.checkpoint_every)
    model = load(base, recipe)
    engine = initialize(CompletionLoss(model), recipe)
    losses = loop.train(engine, steps, held_out, recipe, checkpoints)
    model.config.self_prompt_tuning = {"model": trained_as.model, "arm": arm, "seed": seed}
    unfinished = out.with_name(f".{out.name}.unfinished")
    if rank() == 0:  # the others might be late, and remove what the first has begun to write
        shutil.rmtree(unfinished, ignore_errors=True)
    export(engine, model, tokenizer, unfinished)
    if rank() == 0:
        shutil.rmtree(out, ignore_errors=True)
        unfinished.rename(out)
    counts = {"items": len(learnt.rows), "left_out": len(learnt.left_out), "validation_items": len(held_out)}
    finished = Trained(rank() == 0, as_csv(losses), {**counts, **metrics(steps, losses, recipe.epochs)})
    torch.distributed.destroy_process_group()
    return finished


def training_rows(
    tokenizer: PreTrainedTokenizerBase, items: Sequence[AnnotatedConversation], arm: Arm, recipe: Recipe
) -> packing.TrainingRows:
    found = packing.rendered_rows(tokenizer, items, arm, recipe.max_length)
    if not found.rows:
        raise InputError(
            f"none of the {len(items)} training items fits in max_length {recipe.max_length} in every arm: raise "
            "max_length in the scale's finetune section of params.yaml, or lower the scale's split.max_words"
        )
    return found


def validation_rows(
    tokenizer: PreTrainedTokenizerBase, items: Sequence[AnnotatedConversation], arm: Arm, recipe: Recipe
) -> list[Rendered]:
    """Those held-out items that fit, or ``validation_limit`` of them at even distances."""
    found = packing.rendered_rows(tokenizer, items, arm, recipe.max_length).rows
    taken = min(recipe.validation_limit or len(found), len(found))
    return [found[index * len(found) // taken] for index in range(taken)]


def metrics(
    steps: Sequence[Sequence[Rendered]], losses: Sequence[LossRow], epochs: float
) -> dict[str, float | int | None]:
    """Tokens and losses for ``metrics/finetune/<model>-<arm>-<seed>.json``; no times, so that reruns are equal."""
    first, last = losses[0], losses[-1]
    parts = [part for step in steps for row in step for part in row.parts]
    found: dict[str, float | int | None] = {
        "steps": len(steps),
        "completion_tokens": last.tokens,
        **{f"{part.name.lower()}_tokens": parts.count(part) for part in Part if part is not Part.PROMPT},
        "loss": _last_epoch(losses, len(steps), epochs),
        "validation_loss_before": first.validation_loss,
        "validation_loss": last.validation_loss,
        "validation_role_loss": last.validation_role_loss,
        "validation_answer_loss_before": first.validation_answer_loss,
        "validation_answer_loss": last.validation_answer_loss,
    }
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in found.items()}


def _last_epoch(losses: Sequence[LossRow], steps: int, epochs: float) -> float:
    """Mean training loss of a token over the last epoch: single steps, the last above all, are noise."""
    first = max(steps - round(steps / max(epochs, 1)), 0)
    taken = [(after.tokens - before.tokens, after.loss or 0.0) for before, after in pairwise(losses[first:])]
    return sum(tokens * loss for tokens, loss in taken) / sum(tokens for tokens, _ in taken)


def export(engine: DeepSpeedEngine, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write weights (safetensors), tokenizer, chat template and stops; all processes take part, the first writes.

    The folder loads by ``from_pretrained``, in servers too.
    """
    weights = whole_weights(engine, model)
    if rank() > 0:
        return
    ends = stops(tokenizer)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=ends[0] if len(ends) == 1 else ends,
        pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
    )
    model.config.use_cache = True
    model.save_pretrained(out, state_dict=weights)
    tokenizer.save_pretrained(out)


def whole_weights(engine: DeepSpeedEngine, model: PreTrainedModel) -> dict[str, Tensor]:
    """The state dictionary on the CPU; under ZeRO-3 parameters are gathered one at a time."""
    weights: dict[str, Tensor] = {}
    sharded = engine.zero_optimization_stage() == 3
    if has_adapters(model):
        return {name: weight for name, weight in merged(model, sharded) if rank() == 0}
    for name, parameter in model.named_parameters():
        with deepspeed.zero.GatheredParameters([parameter], enabled=sharded):
            if rank() == 0:
                weights[name] = parameter.detach().to("cpu", copy=True)
    if rank() == 0:
        weights |= {name: tensor for name, tensor in model.state_dict().items() if _tied(name, tensor, weights)}
    return weights


def _tied(name: str, tensor: Tensor, weights: dict[str, Tensor]) -> bool:
    """Buffers that are saved; tied parameters are written once, under their first name."""
    return name not in weights and not isinstance(tensor, torch.nn.Parameter) and "lm_head" not in name
