"""Cross-entropy on completion tokens alone, without ever holding the logits of all positions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from stages.chat.rendering import Part
from stages.training.batches import IGNORED, MicroBatch

CHUNK = 1024


class CompletionLoss(nn.Module):
    """A causal model that returns summed token losses instead of logits.

    Only positions that have a label are projected to the vocabulary, in chunks whose logits are computed again in the
    backward pass; no ``[batch, length, vocabulary]`` tensor exists at any time.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: MicroBatch) -> Tensor:
        """Sums of token losses in nats, by part: ``[3]``, where index 0 (prompt) is always 0."""
        hidden = (
            self.model.get_decoder()(
                input_ids=batch.ids, position_ids=batch.positions, row_lengths=batch.row_lengths, use_cache=False
            )
        ).last_hidden_state
        targets, parts = batch.labels[:, 1:], batch.parts[:, 1:]
        labelled = targets != IGNORED
        hidden, targets, parts = hidden[:, :-1][labelled], targets[labelled], parts[labelled]
        sums = hidden.new_zeros(len(Part), dtype=torch.float32)
        for begin in range(0, len(targets), CHUNK):
            piece = slice(begin, begin + CHUNK)
            losses = checkpoint(self._token_losses, hidden[piece], targets[piece], use_reentrant=False)
            sums = sums.index_add(0, parts[piece], losses)
        # With nothing to learn the sum still hangs on every parameter, so that all processes reduce the same gradients.
        return (
            sums if len(targets) else sums + 0.0 * self.model.get_output_embeddings()(hidden).sum() + 0.0 * hidden.sum()
        )

    def _token_losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        logits = self.model.get_output_embeddings()(hidden).float()
        return F.cross_entropy(logits, targets, reduction="none")
