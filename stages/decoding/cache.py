"""A preallocated key-value cache whose rows can leave, come back and be put together anew.

The library's dynamic cache copies itself at every token; its static one attends to the whole reserved length. This one
writes in place and shows only what is filled. Sequences are aligned on the right: a row's padding stands on its left.
"""

from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin


class PreallocatedLayer(CacheLayerMixin):
    """Keys and values of one layer: ``[rows, heads, reserved, width]``, of which ``filled`` positions count."""

    is_sliding = False

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
        assert self.keys is not None and self.values is not None
        end = self.filled + key_states.shape[-2]
        self.keys[:, :, self.filled : end] = key_states
        self.values[:, :, self.filled : end] = value_states
        self.filled = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these; the others' memory is freed."""
        assert self.keys is not None and self.values is not None
        self.keys, self.values = self.keys[rows], self.values[rows]

    def row(self, index: int, places: Tensor) -> tuple[Tensor, Tensor]:
        """A copy of one row's keys and values at some places: each ``[heads, len(places), width]``."""
        assert self.keys is not None and self.values is not None
        return self.keys[index][:, places], self.values[index][:, places]

    def begin_with(self, other: "PreallocatedLayer", rows: int) -> None:
        """Begin every row with the single row of another layer."""
        assert other.keys is not None and other.values is not None
        self.update(other.keys.expand(rows, -1, -1, -1), other.values.expand(rows, -1, -1, -1))

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.filled + query_length, 0

    def get_seq_length(self) -> int:
        return self.filled

    def get_max_length(self) -> int:
        return self.reserved


class PreallocatedCache(Cache):
    """A layer for each of the model's."""

    layers: list[PreallocatedLayer]  # type: ignore[assignment]

    def __init__(self, layers: int, reserved: int) -> None:
        super().__init__(layers=[PreallocatedLayer(reserved) for _ in range(layers)])

    def keep(self, rows: Tensor) -> None:
        for layer in self.layers:
            layer.keep(rows)

    def row(self, index: int, kept: Tensor) -> list[tuple[Tensor, Tensor]]:
        """A copy of one row without its padding; ``kept`` is 1 at the places that count."""
        places = kept.nonzero()[:, 0]
        return [layer.row(index, places) for layer in self.layers]

    def begin_with(self, other: "PreallocatedCache", rows: int) -> None:
        for layer, its in zip(self.layers, other.layers, strict=True):
            layer.begin_with(its, rows)

    def rewind(self, filled: int) -> None:
        """Forget what was written after the first ``filled`` positions."""
        for layer in self.layers:
            layer.filled = filled


def joined(rows: list[list[tuple[Tensor, Tensor]]], reserved: int) -> PreallocatedCache:
    """A cache of single rows put together, aligned on the right; padding on the left is zero."""
    longest = max(row[0][0].shape[1] for row in rows)
    cache = PreallocatedCache(len(rows[0]), longest + reserved)
    for number, layer in enumerate(cache.layers):
        heads, _, width = rows[0][number][0].shape
        layer.lazy_initialization(*(part.new_zeros(len(rows), heads, longest, width) for part in rows[0][number]))
        assert layer.keys is not None and layer.values is not None
        for index, row in enumerate(rows):
            keys, values = row[number]
            begin = longest - keys.shape[1]
            layer.keys[index, :, :begin], layer.values[index, :, :begin] = 0, 0
            layer.keys[index, :, begin:longest], layer.values[index, :, begin:longest] = keys, values
        layer.filled = longest
    return cache
