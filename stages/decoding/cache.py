"""A preallocated key-value cache whose rows can leave, come back and be put together anew.

The library's dynamic cache copies itself at every token; its static one attends to the whole reserved length. This one
writes in place and shows only what is filled. Sequences are aligned on the right: a row's padding stands on its left.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

BLOCK = 32
"""Positions that stand side by side: two registers of 512 bits in float32."""

KeyValues = list[tuple[Tensor, Tensor]]
"""For each layer the keys and values of one sequence: ``[heads, tokens, width]``."""


class PreallocatedLayer(CacheLayerMixin):
    """Keys and values of one layer: ``[rows, heads, reserved, width]``, of which ``filled`` positions count."""

    is_sliding = False
    keys: Tensor
    values: Tensor

    def __init__(self, reserved: int) -> None:
        super().__init__()
        self.reserved, self.filled = reserved, 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        rows, heads, _, width = key_states.shape
        self.keys = key_states.new_empty(rows, heads, self.reserved, width)
        self.values = value_states.new_empty(rows, heads, self.reserved, value_states.shape[-1])
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = self.filled + key_states.shape[-2]
        self.keys[:, :, self.filled : end] = key_states
        self.values[:, :, self.filled : end] = value_states
        self.filled = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def keep(self, rows: Sequence[int]) -> None:
        """Row ``rows[i]`` becomes row ``i``; only rows that move are copied, in place.

        A row that moves must come from behind all that are kept, so that nothing is written over that is still needed.
        """
        for place, row in enumerate(rows):
            if place != row:
                self.keys[place] = self.keys[row]
                self.values[place] = self.values[row]
        self.keys, self.values = self.keys[: len(rows)], self.values[: len(rows)]

    def row(self, index: int, begin: int, end: int) -> tuple[Tensor, Tensor]:
        """One row's keys and values from one place to another, as views: each ``[heads, end - begin, width]``."""
        return self.keys[index, :, begin:end], self.values[index, :, begin:end]

    def put(self, index: int, begin: int, keys: Tensor, values: Tensor) -> None:
        """Write one row's keys and values, ``[heads, tokens, width]``, from a place on; before it stands zero."""
        write(self.keys[index], begin, keys)
        write(self.values[index], begin, values)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.filled + query_length, 0

    def get_seq_length(self) -> int:
        return self.filled

    def get_max_length(self) -> int:
        return self.reserved


def write(row: Tensor, begin: int, part: Tensor) -> None:
    """Write ``[heads, tokens, width]`` into a row of the cache, from a place on, and zero before it."""
    row[:, :begin] = 0
    row[:, begin : begin + part.shape[1]] = part


class ColumnsLayer(PreallocatedLayer):
    """A layer whose keys stand column by column: ``[rows, heads, blocks, width, BLOCK]``; it takes one token at a time.

    The product of a few queries with a block of positions is a weighted sum of the keys' columns: an embedding bag
    computes it in half the time of a matrix product of three rows (stages/decoding/attention.py).
    """

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        rows, heads, _, width = key_states.shape
        self.keys = key_states.new_empty(rows, heads, -(-self.reserved // BLOCK), width, BLOCK)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        self.keys[:, :, self.filled // BLOCK, :, self.filled % BLOCK] = key_states.squeeze(2)
        self.values[:, :, self.filled] = value_states.squeeze(2)
        self.filled += 1
        return self.keys, self.values[:, :, : self.filled]

    def row(self, index: int, begin: int, end: int) -> tuple[Tensor, Tensor]:
        keys = self.keys[index].transpose(2, 3).flatten(1, 2)
        return keys[:, begin:end], self.values[index, :, begin:end]

    def put(self, index: int, begin: int, keys: Tensor, values: Tensor) -> None:
        heads, tokens, width = keys.shape
        padded = keys.new_zeros(heads, -(-(begin + tokens) // BLOCK), BLOCK, width)
        padded.flatten(1, 2)[:, begin : begin + tokens] = keys
        self.keys[index, :, : padded.shape[1]] = padded.transpose(2, 3)
        write(self.values[index], begin, values)


class PreallocatedCache(Cache):
    """A layer for each of the model's."""

    layers: list[PreallocatedLayer]  # type: ignore[assignment]

    def __init__(self, layers: int, reserved: int, layer: type[PreallocatedLayer] = PreallocatedLayer) -> None:
        super().__init__(layers=[layer(reserved) for _ in range(layers)])

    def keep(self, rows: Sequence[int]) -> None:
        for layer in self.layers:
            layer.keep(rows)

    def row(self, index: int, begin: int, end: int) -> KeyValues:
        return [layer.row(index, begin, end) for layer in self.layers]

    def begin_with(self, other: "PreallocatedCache", rows: int) -> None:
        """Begin each of so many rows with the single row of another cache."""
        for layer, its in zip(self.layers, other.layers, strict=True):
            layer.update(its.keys.expand(rows, -1, -1, -1), its.values.expand(rows, -1, -1, -1))


def joined(
    rows: Sequence[KeyValues], reserved: int, layer: type[PreallocatedLayer] = PreallocatedLayer
) -> tuple[PreallocatedCache, Tensor]:
    """A cache of single sequences put together, with room for more tokens, and the length of each, ``[rows]``.

    They are aligned on the right; padding on the left is zero, since what is masked must still be a number.
    """
    lengths = [row[0][0].shape[1] for row in rows]
    longest = max(lengths)
    cache = PreallocatedCache(len(rows[0]), longest + reserved, layer)
    for number, kept in enumerate(cache.layers):
        keys, values = rows[0][number]
        kept.lazy_initialization(keys.expand(len(rows), -1, -1, -1), values.expand(len(rows), -1, -1, -1))
        for index, row in enumerate(rows):
            kept.put(index, longest - lengths[index], *row[number])
        kept.filled = longest
    return cache, torch.tensor(lengths, device=rows[0][0][0].device)
