"""From a corpus to the micro-batches of one process: which items are trained, in which order, packed with which."""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from stages.chat import arms
from stages.chat.rendering import Part, Rendered, render
from stages.records.conversation import AnnotatedConversation
from stages.records.systems import Arm

IGNORED = -100
NAMED = 5
"""Items left out that the log names."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingRows:
    """The rendered conversations of one arm, and the ids of items that no arm is trained on."""

    rows: list[Rendered]
    left_out: list[str]


def rendered_rows(
    tokenizer: PreTrainedTokenizerBase, corpus: Sequence[AnnotatedConversation], arm: Arm, max_length: int
) -> TrainingRows:
    """Items that have at most ``max_length`` tokens in every arm, as this arm sees them.

    All arms so have the same items in the same order, and none has a row that is cut.
    """
    of_arms = {each: arm_rows(tokenizer, corpus, each) for each in arms.ALL}
    longest = [max(len(row.ids) for row in of_item) for of_item in zip(*of_arms.values(), strict=True)]
    left_out = [item.id for item, length in zip(corpus, longest, strict=True) if length > max_length]
    if left_out:
        named = ", ".join(left_out[:NAMED]) + (", ..." if len(left_out) > NAMED else "")
        logger.warning(
            "%d of %d items have more than %d tokens in one arm or another, and are left out of all: %s",
            *(len(left_out), len(corpus), max_length, named),
        )
    kept = [row for row, length in zip(of_arms[arm], longest, strict=True) if length <= max_length]
    return TrainingRows(kept, left_out)


def arm_rows(tokenizer: PreTrainedTokenizerBase, corpus: Sequence[AnnotatedConversation], arm: Arm) -> list[Rendered]:
    """Each item as the arm sees it. A last turn of the user's, which nothing answers, is left away."""
    return [
        render(tokenizer, arms.with_head(item.turns[: len(item.turns) // 2 * 2], head), head)
        for item, head in zip(corpus, arms.heads(arm, corpus), strict=True)
    ]


@dataclass(frozen=True)
class MicroBatch:
    """Rows that go through the model together, one after the other in one sequence, without padding.

    All tensors are ``[1, tokens]``; attention keeps within ``row_lengths``. Positions are places in the row. Labels are
    aligned with the ids (the loss shifts them), and :data:`IGNORED` where nothing is learnt. A row's first token never
    is, so no row is predicted from the one before it.
    """

    ids: Tensor
    positions: Tensor
    labels: Tensor
    parts: Tensor
    row_lengths: tuple[int, ...]

    def to(self, device: torch.device) -> "MicroBatch":
        tensors = (self.ids, self.positions, self.labels, self.parts)
        ids, positions, labels, parts = (tensor.to(device) for tensor in tensors)
        return MicroBatch(ids, positions, labels, parts, self.row_lengths)


def micro_batch(rows: Sequence[Rendered]) -> MicroBatch:
    """Rows packed into one sequence; no rows give one of two tokens with nothing to learn."""
    rows = rows or [Rendered([0, 0], [Part.PROMPT] * 2)]
    lengths = tuple(len(row.ids) for row in rows)
    ids = torch.tensor([token for row in rows for token in row.ids])[None]
    parts = torch.tensor([int(part) for row in rows for part in row.parts])[None]
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    labels = torch.where((parts == Part.PROMPT) | (positions == 0), IGNORED, ids)
    return MicroBatch(ids, positions, labels, parts, lengths)


def epochs_order(items: int, epochs: float, rng: random.Random) -> list[int]:
    """Item indices over all epochs, each epoch in an order of its own; the last may be a part of one."""
    order: list[int] = []
    total = round(items * epochs)
    while len(order) < total:
        order += rng.sample(range(items), items)
    return order[:total]


def optimizer_steps(order: Sequence[int], batch_size: int) -> list[list[int]]:
    return [list(order[start : start + batch_size]) for start in range(0, len(order), batch_size)]


def share(
    rows: Sequence[Rendered], micro_batch_size: int, micro_batches: int, rank: int, world: int
) -> list[list[Rendered]]:
    """The rows that one process takes, micro-batch by micro-batch.

    Each process gets the same number of micro-batches, and each micro-batch about the same number of tokens: the
    longest row that is left goes where the fewest tokens are (longest processing time first, Graham 1969) and a row
    still fits. Micro-batches that processes work on at the same time are neighbours in size. If there are fewer rows
    than micro-batches, some are empty.
    """
    dealt: list[list[Rendered]] = [[] for _ in range(micro_batches * world)]
    for row in sorted(rows, key=lambda row: len(row.ids), reverse=True):
        min((batch for batch in dealt if len(batch) < micro_batch_size), key=tokens).append(row)
    return sorted(dealt, key=tokens, reverse=True)[rank::world]


def tokens(rows: Sequence[Rendered]) -> int:
    return sum(len(row.ids) for row in rows)


def completion_tokens(rows: Sequence[Rendered]) -> int:
    return sum(row.completion_tokens for row in rows)
