"""The training loop: what one optimizer step is, when validation comes, what is written down."""

import logging
import time
from collections.abc import Sequence

import torch
import torch.distributed
from deepspeed import DeepSpeedEngine
from torch import Tensor
from tqdm import tqdm

from stages.chat.rendering import Part, Rendered
from stages.training import rows as packing
from stages.training.checkpoints import Checkpoints
from stages.training.curve import LossRow, linear_decay
from stages.training.engine import accumulation_steps, rank, world_size
from stages.training.loss import SUMS
from stages.training.recipe import Recipe

logger = logging.getLogger(__name__)


def train(
    engine: DeepSpeedEngine,
    steps: Sequence[Sequence[Rendered]],
    validation: Sequence[Rendered],
    recipe: Recipe,
    checkpoints: Checkpoints,
) -> list[LossRow]:
    """Take every optimizer step that no checkpoint holds yet; the rows are the same on every process."""
    rows = checkpoints.resume(engine)
    rows = rows or [LossRow(0, 0, None, None, None, **validate(engine, validation, recipe))]
    sizes = [packing.tokens(step) for step in steps]
    done, begun = rows[-1].step, time.monotonic()
    with tqdm(total=sum(sizes), initial=sum(sizes[:done]), unit="tok", disable=rank() > 0) as bar:
        for number, step in enumerate(steps[done:], start=done + 1):
            rate = linear_decay(number - 1, len(steps), recipe.learning_rate, recipe.final_learning_rate)
            loss, norm = optimizer_step(engine, step, recipe, rate)
            tokens = rows[-1].tokens + packing.completion_tokens(step)
            due = number % recipe.validate_every == 0 or number == len(steps)
            found = validate(engine, validation, recipe) if due else {}
            rows.append(LossRow(number, tokens, loss, rate, norm, **found))
            checkpoints.save_if_due(engine, rows)
            bar.update(sizes[number - 1])
            bar.set_postfix(step=f"{number}/{len(steps)}", loss=f"{loss:.3f}")
    taken, learnt, seconds = sum(sizes[done:]), rows[-1].tokens - rows[done].tokens, time.monotonic() - begun
    if rank() == 0 and taken:  # to the log alone: a time has no place in an output
        logger.info("%.1f tokens/s, of which %.1f learnt, over %.0f s", taken / seconds, learnt / seconds, seconds)
    return rows


def optimizer_step(
    engine: DeepSpeedEngine, step: Sequence[Rendered], recipe: Recipe, rate: float
) -> tuple[float, float]:
    """One step; its loss and the gradient's norm before clipping.

    The loss is normalised by the completion tokens of the whole effective batch. DeepSpeed averages over micro-batches
    and processes, which the factor undoes.
    """
    for group in engine.optimizer.param_groups:
        group["lr"] = rate
    accumulated = accumulation_steps(recipe, world_size())
    total = packing.completion_tokens(step)
    engine.train()
    summed = torch.zeros(SUMS)
    for rows in packing.share(step, recipe.micro_batch_size, accumulated, rank(), world_size()):
        loss, sums = engine(packing.micro_batch(rows).to(engine.device))
        engine.backward(loss * (accumulated * world_size() / total))
        # Where DeepSpeed does not keep the norm: without ZeRO, in float32.
        norm = 0.0 if engine.zero_optimization_stage() > 0 else _norm(engine)
        engine.step()
        summed += sums.cpu()
    return float(over_processes(summed).sum()) / total, float(engine.get_global_grad_norm() or norm)


def _norm(engine: DeepSpeedEngine) -> float:
    gradients = [parameter.grad for parameter in engine.module.parameters() if parameter.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0


@torch.no_grad()
def validate(engine: DeepSpeedEngine, rows: Sequence[Rendered], recipe: Recipe) -> dict[str, float | None]:
    """Validation loss on all completion tokens, and apart on the head's and the answer's; None where there are none."""
    if not rows:
        return {}
    engine.eval()
    micro_batches = -(-len(rows) // (recipe.micro_batch_size * world_size()))
    summed = torch.zeros(SUMS)
    for mine in packing.share(rows, recipe.micro_batch_size, micro_batches, rank(), world_size()):
        summed += engine(packing.micro_batch(mine).to(engine.device))[1].cpu()
    summed = over_processes(summed)
    heads = sum(part is Part.ROLE for row in rows for part in row.parts)
    answers = packing.completion_tokens(rows) - heads
    return {
        "validation_loss": float(summed.sum()) / (heads + answers),
        "validation_role_loss": float(summed[Part.ROLE]) / heads if heads else None,
        "validation_answer_loss": float(summed[Part.ANSWER]) / answers if answers else None,
    }


def over_processes(summed: Tensor) -> Tensor:
    if world_size() > 1:
        on_device = summed.to("cuda") if torch.cuda.is_available() else summed
        torch.distributed.all_reduce(on_device)
        return on_device.cpu()
    return summed
