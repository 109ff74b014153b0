"""Cross-entropy on completion tokens alone, without ever holding the logits of all positions."""

from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.chat.rendering import Part
from stages.core.errors import InputError
from stages.training.rows import IGNORED, MicroBatch

CHUNK = 1024
SUMS = 3
"""Sums by part: of the prompt, where it is always 0, of heads, and of answers with their ends of turn."""
CHANGES_OF_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")
"""Configuration keys by which an architecture caps or scales its logits (Gemma 2, Cohere, Granite)."""


class CompletionLoss(nn.Module):
    """A causal model that returns summed token losses instead of logits.

    Only positions that have a label are projected to the vocabulary, chunk by chunk; no ``[batch, length, vocabulary]``
    tensor exists at any time.

    Raises:
        InputError: The architecture does more to its logits than to project.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        _check_that_logits_are_a_projection(model)
        head = model.get_output_embeddings()
        # Called as the projection's own forward, so that ZeRO-3 brings its weights together around the call.
        head.forward = MethodType(_summed_losses, head)

    def forward(self, batch: MicroBatch) -> tuple[Tensor, Tensor]:
        """The sum of token losses in nats, and, without gradients, its parts: ``[SUMS]``.

        Without anything to learn, the sum still depends on every parameter: all processes reduce the same gradients.
        """
        decoded = self.model.get_decoder()(
            input_ids=batch.ids, position_ids=batch.positions, row_lengths=batch.row_lengths, use_cache=False
        )
        hidden = decoded.last_hidden_state
        targets, parts = batch.labels[:, 1:], batch.parts[:, 1:]
        labelled = targets != IGNORED
        total, losses = self.model.get_output_embeddings()(hidden[:, :-1][labelled], targets[labelled])
        kinds = parts[labelled].clamp(max=int(Part.ANSWER))  # an end of turn counts as its answer's
        return total, losses.new_zeros(SUMS).index_add(0, kinds, losses)


def _check_that_logits_are_a_projection(model: PreTrainedModel) -> None:
    found = [name for name in CHANGES_OF_LOGITS if getattr(model.config, name, None) not in (None, 1)]
    head = model.get_output_embeddings()
    if not isinstance(head, nn.Linear):
        found.append(f"an output layer of the kind {type(head).__module__}.{type(head).__name__}")
    elif head.bias is not None:
        found.append("a bias in the output layer")
    if found:
        raise InputError(
            f"{type(model).__name__} has {', '.join(found)}: training expects logits that are a projection of the last "
            "hidden state and nothing more; choose another model in `run.models`, or `lora.targets` without that layer"
        )


def _summed_losses(head: nn.Linear, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    total, losses = _SummedLosses.apply(hidden, head.weight, targets, torch.is_grad_enabled())
    return total, losses


class _SummedLosses(torch.autograd.Function):
    """Projection and cross-entropy in one, with the gradients computed where the logits are at hand.

    Autograd would keep the logits of every chunk for the backward pass, or compute them twice; they are most of what a
    small model multiplies, and its largest tensors. The gradients of a sum are known at once but for the factor that
    comes in backward.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, with_gradients: bool
    ) -> tuple[Tensor, Tensor]:
        """Sum of the losses, and the losses: ``[]`` and ``[tokens]``, float32; hidden is ``[tokens, width]``."""
        losses = hidden.new_empty(len(targets), dtype=torch.float32)
        of_hidden = torch.empty_like(hidden) if with_gradients else None
        of_weight = torch.zeros_like(weight) if with_gradients and ctx.needs_input_grad[1] else None
        for begin in range(0, len(targets), CHUNK):
            piece = slice(begin, begin + CHUNK)
            logits = (hidden[piece] @ weight.T).float()
            chosen = targets[piece, None]
            normalizer = logits.logsumexp(dim=1, keepdim=True)
            losses[piece] = (normalizer - logits.gather(1, chosen)).squeeze(1)
            if of_hidden is None:
                continue
            gradient = logits.sub_(normalizer).exp_()
            gradient.scatter_add_(1, chosen, gradient.new_full(chosen.shape, -1.0))
            gradient = gradient.to(hidden.dtype)
            of_hidden[piece] = gradient @ weight
            if of_weight is not None:
                of_weight.addmm_(gradient.T, hidden[piece])
        ctx.save_for_backward(of_hidden, of_weight)
        ctx.mark_non_differentiable(losses)
        return losses.sum(), losses

    @staticmethod
    def backward(ctx: Any, *factors: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        of_hidden, of_weight = ctx.saved_tensors
        factor = factors[0].item()  # as a tensor it would be rounded to the hidden states' dtype
        return of_hidden * factor, None if of_weight is None else of_weight.mul_(factor), None, None
