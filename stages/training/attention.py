"""Attention over packed rows: several rows lie one after the other in one sequence, and none sees another.

The library asks an attention function, by the name that the configuration holds, to do what is the same in all
architectures; this one is registered there beside the library's own. A name that has no mask function gets no mask:
no ``[length, length]`` tensor over the whole sequence is ever made.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.utils import is_flash_attn_2_available

ROWS = "packed_rows"
UNKNOWN = ("position_bias", "s_aux")
"""What some architectures pass and plain attention would silently leave out."""


def implementation(dtype: torch.dtype) -> str:
    """Flash attention, which finds the rows by their position ids, where it is installed; else one call a row."""
    half = dtype in (torch.bfloat16, torch.float16)
    return "flash_attention_2" if half and torch.cuda.is_available() and is_flash_attn_2_available() else ROWS


def attend_within_rows(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    row_lengths: Sequence[int],
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Causal attention of each row's tokens to its own.

    Args:
        module: The attention layer that asks.
        query: ``[1, heads, tokens, head_dim]``, the rows one after the other.
        key: ``[1, key_value_heads, tokens, head_dim]``.
        value: As ``key``.
        attention_mask: None always: rows are not padded.
        row_lengths: Tokens of each row; they sum to ``tokens``.
        scaling: Of the products; None for the square root's inverse of ``head_dim``.
        dropout: On the attention's weights.
        sliding_window: Tokens that a token sees, itself included; None for all.
        softcap: Bound of the scaled products, by the hyperbolic tangent (Gemma 2); None for none.
        others: What else the library passes on.

    Returns:
        ``[1, tokens, heads, head_dim]``, and no weights.

    Raises:
        NotImplementedError: The architecture asks for more than this.
    """
    if attention_mask is not None or any(others.get(name) is not None for name in UNKNOWN):
        raise NotImplementedError(f"{type(module).__name__} asks for a mask, a bias or sinks, which packed rows lack")
    queries, keys, values = (tensor.split(list(row_lengths), dim=2) for tensor in (query, key, value))
    rows = [_row(*row, scaling, dropout, sliding_window, softcap) for row in zip(queries, keys, values, strict=True)]
    return torch.cat([row.transpose(1, 2) for row in rows], dim=1), None


def _row(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scaling: float | None,
    dropout: float,
    sliding_window: int | None,
    softcap: float | None,
) -> Tensor:
    length = query.shape[2]
    if softcap is not None:
        return _capped(query, key, value, scaling or query.shape[-1] ** -0.5, dropout, sliding_window, softcap)
    # The fast kernels know no window: a mask comes in only where the window is shorter than the row.
    mask = visible(length, sliding_window, query.device) if sliding_window and sliding_window < length else None
    return F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        dropout_p=dropout,
        is_causal=mask is None,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )


def _capped(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scaling: float,
    dropout: float,
    sliding_window: int | None,
    softcap: float,
) -> Tensor:
    """Written out, since no kernel of torch caps the products; scores of one row at a time are held."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scores = torch.tanh(query @ key.transpose(2, 3) * scaling / softcap) * softcap
    scores = scores.masked_fill(~visible(query.shape[2], sliding_window, query.device), -torch.inf)
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return F.dropout(weights, dropout) @ value


def visible(length: int, sliding_window: int | None, device: torch.device) -> Tensor:
    """``[length, length]``: whether the token of a line sees that of a column, itself and what is before it."""
    place = torch.arange(length, device=device)
    distance = place[:, None] - place[None]
    return (distance >= 0) & (distance < (sliding_window or length))


AttentionInterface.register(ROWS, attend_within_rows)
