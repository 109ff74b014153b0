"""Attention on a CPU that reads no padding: for rows aligned on the right, each padded on its left.

Where many rows are answered side by side, most of the time outside of products with weights goes into reading keys and
values. Torch's kernel reads them at a tenth of the memory's rate, padding included. Here rows of like length are taken
together, from where the longest of them begins. In float32, values are weighted by embedding bags (sums of a table's
rows by weight), and keys stand in columns for the products (``ColumnsLayer``). The library finds the function by name.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedConfig, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from stages.decoding.cache import BLOCK, ColumnsLayer, PreallocatedLayer

RIGHT_ALIGNED = "right_aligned_rows"

ARCHITECTURES = {"gemma3_text", "llama", "mistral", "qwen2", "qwen3"}
"""Whose attention is causal, within a window or without, and nothing else: tested against the library's."""

FEW_QUERIES = 6
"""Up to how many queries of a head an embedding bag takes less time than a product: half of it for three."""

PLAIN = 4
"""Dimensions of keys that are not in columns."""

WORTH_A_PART = 1024
"""Keys, counted over rows, that another part must save: its calls take as long as reading so many."""


class PackedRows:
    """Where each row of a batch begins in the cache, for one pass through all layers.

    Attributes:
        padding: How many positions of the cache stand before each row.
        filled: Positions of the cache, those of the pass's tokens included.
        tokens: How many tokens the pass has in each row.
        parts: Begin and end of rows that are taken together.
    """

    def __init__(self, lengths: Tensor, filled: int, tokens: int) -> None:
        self.padding = tuple((filled - tokens - lengths).tolist())
        self.filled, self.tokens = filled, tokens
        self._biases: dict[tuple[int, int, int, int | None], Tensor] = {}
        self._bags: dict[tuple[int, ...], tuple[Tensor, Tensor]] = {}

    @cached_property
    def parts(self) -> Sequence[tuple[int, int]]:
        return parts(self.padding)

    def first(self, begin: int, end: int, window: int | None) -> int:
        """The first position that any token of some rows sees."""
        least = min(self.padding[begin:end])
        return max(least, self.filled - self.tokens - window + 1) if window else least

    def bias(self, begin: int, end: int, window: int | None) -> Tensor | None:
        """``[rows, 1, tokens, positions]``: 0 where a token sees a position from ``first`` on, else minus infinity.

        None where all see all. It is the same in all layers of one window.
        """
        first, padding = self.first(begin, end, window), self.padding[begin:end]
        if self.tokens == 1 and max(padding) <= first:
            return None
        key = (begin, end, first, window)
        if key not in self._biases:
            seen = torch.arange(first, self.filled) >= torch.tensor(padding)[:, None, None]
            unseen = ~(seen & visible(self.tokens, self.filled, first, window))[:, None]
            self._biases[key] = torch.zeros(unseen.shape).masked_fill_(unseen, -torch.inf)
        return self._biases[key]

    def bags(self, part: Tensor, groups: int) -> tuple[Tensor, Tensor]:
        """Which rows of a table each sum has, and where each sum's begin: the same in all layers.

        The table is the cache, of which ``part`` is a view, ``[rows, heads, ..., summed, width]``. Sums have the order
        ``[rows, heads, groups, ...]``.
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


def implementation(config: PreTrainedConfig, device: torch.device) -> str | None:
    """The function's name for a configuration's text model; None where the library's own choice stays."""
    known = config.get_text_config().model_type in ARCHITECTURES
    return RIGHT_ALIGNED if known and device.type == "cpu" else None


def layer(model: PreTrainedModel) -> type[PreallocatedLayer]:
    """What the cache is made of while one token after another is written."""
    config = model.config.get_text_config()
    few = config.num_attention_heads <= FEW_QUERIES * config.num_key_value_heads
    ours = config._attn_implementation == RIGHT_ALIGNED
    return ColumnsLayer if ours and few and model.dtype == torch.float32 else PreallocatedLayer


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    rows: PackedRows | None = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Causal attention to what the cache holds, ``[rows, tokens, heads, head_dim]``, and no weights.

    Args:
        module: The attention layer that asks.
        query: ``[rows, heads, tokens, head_dim]``.
        key: ``[rows, key_value_heads, filled, head_dim]``, or in columns (``ColumnsLayer``).
        value: ``[rows, key_value_heads, filled, head_dim]``.
        attention_mask: None always: the library makes none for a function that it does not know.
        rows: Where each row begins; None where none is padded on its left.
        scaling: Of the products; None for the square root's inverse of ``head_dim``.
        sliding_window: Positions that a token sees, itself included; None for all.
        others: What else the library passes on.
    """
    tokens, filled = query.shape[2], value.shape[2]
    if rows is None:
        plain = tokens in (1, filled) and (sliding_window or filled) >= filled
        mask = None if plain else visible(tokens, filled, 0, sliding_window)[None, None]
        mixed, _ = sdpa_attention_forward(module, query, key, value, mask, scaling=scaling)
        return mixed, None
    groups = query.shape[1] // key.shape[1]
    queries = (query * (scaling or query.shape[-1] ** -0.5)).unflatten(1, (-1, groups)).flatten(2, 3)
    mixed = torch.empty_like(queries)
    for begin, end in rows.parts:
        first, bias = rows.first(begin, end, sliding_window), rows.bias(begin, end, sliding_window)
        if bias is not None and tokens > 1:
            bias = bias.repeat(1, 1, groups, 1)
        asked, keys, values = queries[begin:end], key[begin:end], value[begin:end, :, first:]
        if query.dtype == torch.float32:
            scores = _scores(asked, keys, first, rows)
            weights = torch.softmax(scores if bias is None else scores + bias, dim=-1)
            few = weights.shape[2] <= FEW_QUERIES
            mixed[begin:end] = _sums(values, weights, rows) if few else weights @ values
        else:
            mask = None if bias is None else bias.to(query.dtype)
            mixed[begin:end] = F.scaled_dot_product_attention(asked, keys[:, :, first:], values, mask, scale=1.0)
    return mixed.unflatten(2, (groups, tokens)).flatten(1, 2).transpose(1, 2), None


def _scores(queries: Tensor, keys: Tensor, first: int, rows: PackedRows) -> Tensor:
    """Products of queries and keys from a position on, ``[rows, heads, queries, positions]``."""
    if keys.dim() == PLAIN:
        return queries @ keys[:, :, first:].transpose(2, 3)
    blocks = keys[:, :, first // BLOCK : -(-rows.filled // BLOCK)]
    sums = _sums(blocks, queries[:, :, :, None].expand(-1, -1, -1, blocks.shape[2], -1), rows)
    skipped = first // BLOCK * BLOCK
    return sums.flatten(3)[..., first - skipped : rows.filled - skipped]


def _sums(part: Tensor, weights: Tensor, rows: PackedRows) -> Tensor:
    """Sums of ``[rows, heads, ..., summed, width]`` by weights ``[rows, heads, groups, ..., summed]``.

    They have the shape ``[rows, heads, groups, ..., width]``.
    """
    indices, begins = rows.bags(part, weights.shape[2])
    width = part.shape[-1]
    last = sum((size - 1) * stride for size, stride in zip(part.shape[:-1], part.stride()[:-1], strict=True))
    table = part.as_strided((last // width + 1, width), (width, 1))
    sums = F.embedding_bag(indices, table, begins, mode="sum", per_sample_weights=weights.flatten())
    return sums.view(*weights.shape[:-1], width)


AttentionInterface.register(RIGHT_ALIGNED, attend)
