"""Where rows that are aligned on the right begin, and which of them are taken together: for attention on a CPU."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import accumulate

import torch
from torch import Tensor

WORTH_A_PART = 1024
"""Keys, counted over rows, that another part must save: as many are read in the time that its calls take."""


class Rows:
    """Where each row of a batch begins in the cache, for one pass through all layers.

    Attributes:
        padding: How many positions of the cache stand before each row.
        filled: Positions of the cache, those of the pass's tokens included.
        tokens: How many tokens the pass has in each row.
    """

    def __init__(self, lengths: Tensor, filled: int, tokens: int) -> None:
        self.padding = tuple((filled - tokens - lengths).tolist())
        self.filled, self.tokens = filled, tokens
        self._biases: dict[tuple[int, int, int], Tensor | None] = {}
        self._bags: dict[tuple[int, ...], tuple[Tensor, Tensor]] = {}

    @cached_property
    def parts(self) -> Sequence[tuple[int, int]]:
        """Begin and end of rows that are taken together."""
        return parts(self.padding)

    def first(self, begin: int, end: int, window: int | None) -> int:
        """The first position that any token of some rows sees."""
        least = min(self.padding[begin:end])
        return max(least, self.filled - self.tokens - window + 1) if window else least

    def bias(self, begin: int, end: int, window: int | None) -> Tensor | None:
        """``[rows, 1, tokens, positions]``: 0 where a token sees a position from ``first`` on, else minus infinity.

        None where all see all. It is the same in all layers of one window.
        """
        first = self.first(begin, end, window)
        key = (begin, end, first)
        if key not in self._biases:
            self._biases[key] = self._bias(begin, end, first, window)
        return self._biases[key]

    def _bias(self, begin: int, end: int, first: int, window: int | None) -> Tensor | None:
        padding = self.padding[begin:end]
        if self.tokens == 1 and max(padding) <= first:
            return None
        positions = torch.arange(first, self.filled)
        seen = positions >= torch.tensor(padding)[:, None, None]
        unseen = ~(seen & visible(self.tokens, self.filled, first, window))[:, None]
        return torch.zeros(unseen.shape).masked_fill_(unseen, -torch.inf)

    def bags(self, part: Tensor, groups: int) -> tuple[Tensor, Tensor]:
        """Which rows of a table each sum has, and where each sum's begin: the same in all layers.

        Args:
            part: ``[rows, heads, ..., summed, width]``, a view of a cache, which is the table: ``[..., width]``.
            groups: Sums for each head; they are in the order ``[rows, heads, groups, ...]``.
        """
        key = (groups, *part.shape, *part.stride())
        if key not in self._bags:
            places = torch.zeros((), dtype=torch.int32)
            for size, stride in zip(part.shape[:-1], part.stride()[:-1], strict=True):
                places = places[..., None] + torch.arange(size, dtype=torch.int32) * (stride // part.shape[-1])
            indices = places[:, :, None].expand(-1, -1, groups, *places.shape[2:]).flatten()
            self._bags[key] = indices, torch.arange(0, len(indices), part.shape[-2], dtype=torch.int32)
        return self._bags[key]


@lru_cache(maxsize=64)
def parts(padding: tuple[int, ...]) -> list[tuple[int, int]]:
    """Cut rows where the most padding is saved, as long as it is worth the calls; begins and ends."""
    waiting, found = [(0, len(padding))], []
    while waiting:
        begin, end = waiting.pop()
        rows = padding[begin:end]
        before, after = list(accumulate(rows, min)), list(accumulate(rows[::-1], min))[::-1]
        saved = [
            place * (before[place - 1] - before[-1]) + (len(rows) - place) * (after[place] - before[-1])
            for place in range(1, len(rows))
        ]
        best = max(saved, default=0)
        if best > WORTH_A_PART:
            place = begin + saved.index(best) + 1
            waiting += [(place, end), (begin, place)]
        else:
            found.append((begin, end))
    return found


def visible(tokens: int, filled: int, first: int, window: int | None) -> Tensor:
    """``[tokens, filled - first]``: whether each of the last tokens sees a position, itself included."""
    distance = torch.arange(filled - tokens, filled)[:, None] - torch.arange(first, filled)
    return (distance >= 0) & (distance < (window or filled))
