"""Attention of rows aligned on the right, on a CPU: what pads a row on its left is not read.

Where many rows are answered side by side, most of the time that is not matrix products with weights goes into reading
keys and values. Torch's kernel takes them at a tenth of the memory's rate, and those of the padding too. Rows of like
length are taken together here, from where the longest of them begins, in float32 by embedding bags: sums of a table's
rows by weight, with which weighted values are written, and products with keys that stand in columns. The library finds
the function by its name.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedConfig, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from stages.decoding.cache import PreallocatedLayer
from stages.decoding.columns import BLOCK, ColumnsLayer
from stages.decoding.rows import Rows, visible

RIGHT_ALIGNED = "right_aligned_rows"

ARCHITECTURES = {"gemma3_text", "llama", "mistral", "qwen2", "qwen3"}
"""Whose attention is causal, within a window or without, and nothing else: tested against the library's."""

FEW_QUERIES = 6
"""Up to how many queries of a head an embedding bag takes less time than a product: half of it for three."""

PLAIN = 4
"""Dimensions of keys that are not in columns."""


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
    rows: Rows | None = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Causal attention to what the cache holds.

    Args:
        module: The attention layer that asks.
        query: ``[rows, heads, tokens, head_dim]``.
        key: ``[rows, key_value_heads, filled, head_dim]``, or in columns (stages/decoding/columns.py).
        value: ``[rows, key_value_heads, filled, head_dim]``.
        attention_mask: None always: the library makes none for a function that it does not know.
        rows: Where each row begins; None where none is padded on its left.
        scaling: Of the products; None for the square root's inverse of ``head_dim``.
        sliding_window: Positions that a token sees, itself included; None for all.
        others: What else the library passes on.

    Returns:
        ``[rows, tokens, heads, head_dim]``, and no weights.
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
        first = rows.first(begin, end, sliding_window)
        bias = rows.bias(begin, end, sliding_window)
        if bias is not None and tokens > 1:
            bias = bias.repeat(1, 1, groups, 1)
        values = value[begin:end, :, first:]
        if query.dtype == torch.float32:
            scores = _scores(queries[begin:end], key[begin:end], first, rows)
            mixed[begin:end] = _weighted(scores if bias is None else scores + bias, values, rows)
        else:
            mask = None if bias is None else bias.to(query.dtype)
            mixed[begin:end] = F.scaled_dot_product_attention(
                queries[begin:end], key[begin:end, :, first:], values, attn_mask=mask, scale=1.0
            )
    return mixed.unflatten(2, (groups, tokens)).flatten(1, 2).transpose(1, 2), None


def _scores(queries: Tensor, keys: Tensor, first: int, rows: Rows) -> Tensor:
    """Products of queries and keys from a position on, ``[rows, heads, queries, positions]``."""
    if keys.dim() == PLAIN:
        return queries @ keys[:, :, first:].transpose(2, 3)
    blocks = keys[:, :, first // BLOCK : -(-rows.filled // BLOCK)]
    sums = _sums(blocks, queries[:, :, :, None].expand(-1, -1, -1, blocks.shape[2], -1), rows)
    skipped = first // BLOCK * BLOCK
    return sums.flatten(3)[..., first - skipped : rows.filled - skipped]


def _weighted(scores: Tensor, values: Tensor, rows: Rows) -> Tensor:
    """Values in the measure that scores give them, ``[rows, heads, queries, width]``."""
    weights = torch.softmax(scores, dim=-1)
    return _sums(values, weights, rows) if weights.shape[2] <= FEW_QUERIES else weights @ values


def _sums(part: Tensor, weights: Tensor, rows: Rows) -> Tensor:
    """Sums by weight over the last but one dimension of a part of the cache.

    Args:
        part: ``[rows, heads, ..., summed, width]``.
        weights: ``[rows, heads, groups, ..., summed]``.
        rows: Knows which rows of the cache they are.

    Returns:
        ``[rows, heads, groups, ..., width]``.
    """
    indices, begins = rows.bags(part, weights.shape[2])
    width = part.shape[-1]
    last = sum((size - 1) * stride for size, stride in zip(part.shape[:-1], part.stride()[:-1], strict=True))
    table = part.as_strided((last // width + 1, width), (width, 1))
    sums = F.embedding_bag(indices, table, begins, mode="sum", per_sample_weights=weights.flatten())
    return sums.view(*weights.shape[:-1], width)


AttentionInterface.register(RIGHT_ALIGNED, attend)
