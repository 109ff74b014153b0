"""From conversations to the batches of one process."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stages.chat.rendering import Part, Rendered

IGNORED = -100


@dataclass(frozen=True)
class MicroBatch:
    """Rows that go through the model together; ids, labels and parts are ``[rows, length]``.

    Labels are aligned with the ids (the loss shifts them); :data:`IGNORED` is not learnt. Rows are padded on the
    right: with causal attention no token ever sees the padding, so no attention mask is needed.
    """

    ids: Tensor
    labels: Tensor
    parts: Tensor


def micro_batch(rows: Sequence[Rendered], pad_id: int) -> MicroBatch:
    """Rows padded to the longest of them; no rows give one padding token with nothing to learn."""
    length = max((len(row.ids) for row in rows), default=2)
    ids = torch.full((max(len(rows), 1), length), pad_id)
    parts = torch.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, : len(row.ids)] = torch.tensor(row.ids)
        parts[index, : len(row.ids)] = torch.tensor([int(part) for part in row.parts])
    labels = torch.where(parts == Part.PROMPT, IGNORED, ids)
    labels[:, 0] = IGNORED  # nothing stands before the first token to predict it from
    return MicroBatch(ids, labels, parts)


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
    step: Sequence[Rendered], micro_batch_size: int, micro_batches: int, rank: int, world: int
) -> Iterator[list[Rendered]]:
    """The rows of one optimizer step that one process takes, micro-batch by micro-batch.

    Rows are sorted by length first, so that those padded together, here and at the same time on other processes, are
    of like length. Every process gets the same number of micro-batches; those of an incomplete last step may be empty.
    """
    rows = sorted(step, key=lambda row: len(row.ids), reverse=True)
    width = micro_batch_size * world
    for number in range(micro_batches):
        start = number * width + rank * micro_batch_size
        yield rows[start : start + micro_batch_size]


def completion_tokens(rows: Sequence[Rendered]) -> int:
    return sum(row.completion_tokens for row in rows)
