"""A layer of the cache whose keys stand column by column, for products with few queries on a CPU.

What queries make with a block of positions is a sum of the keys' columns by weight: an embedding bag computes it in
half the time that a product of three rows takes (stages/decoding/attention.py).
"""

from typing import Any

from torch import Tensor

from stages.decoding.cache import PreallocatedLayer, write

BLOCK = 32
"""Positions that stand side by side: two registers of 512 bits in float32."""


class ColumnsLayer(PreallocatedLayer):
    """Keys of one layer: ``[rows, heads, blocks, width, BLOCK]``; values as elsewhere. Takes one token at a time."""

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        rows, heads, _, width = key_states.shape
        self.keys = key_states.new_empty(rows, heads, -(-self.reserved // BLOCK), width, BLOCK)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        assert self.keys is not None and self.values is not None
        self.keys[:, :, self.filled // BLOCK, :, self.filled % BLOCK] = key_states.squeeze(2)
        self.values[:, :, self.filled] = value_states.squeeze(2)
        self.filled += 1
        return self.keys, self.values[:, :, : self.filled]

    def row(self, index: int, begin: int, end: int) -> tuple[Tensor, Tensor]:
        assert self.keys is not None and self.values is not None
        keys = self.keys[index].transpose(2, 3).flatten(1, 2)
        return keys[:, begin:end], self.values[index, :, begin:end]

    def put(self, index: int, begin: int, keys: Tensor, values: Tensor) -> None:
        assert self.keys is not None and self.values is not None
        heads, tokens, width = keys.shape
        padded = keys.new_zeros(heads, -(-(begin + tokens) // BLOCK), BLOCK, width)
        padded.flatten(1, 2)[:, begin : begin + tokens] = keys
        self.keys[index, :, : padded.shape[1]] = padded.transpose(2, 3)
        write(self.values[index], begin, values)
