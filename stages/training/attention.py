"""Attention over packed rows: several rows lie one after the other in one sequence, and none sees another.

The library asks an attention function, by the name that the configuration holds, to do what is the same in all
architectures; this one is registered there beside the library's own. A name that has no mask function gets no mask:
no ``[length, length]`` tensor over the whole sequence is ever made.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.utils import is_flash_attn_2_available

ROWS = "packed_rows"
BLOCK = 256
"""Queries of a row that are multiplied at once."""

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
    """Causal attention of each row's tokens to its own; the rows lie one after the other and are not padded.

    Shapes: query ``[1, heads, tokens, head_dim]``, key and value ``[1, key_value_heads, tokens, head_dim]``, the result
    ``[1, tokens, heads, head_dim]``; it comes without weights. A token sees ``sliding_window`` tokens, itself included.
    ``softcap`` bounds the scaled products by the hyperbolic tangent (Gemma 2).

    Raises:
        NotImplementedError: The architecture asks for more than this.
    """
    if attention_mask is not None or any(others.get(name) is not None for name in UNKNOWN):
        raise NotImplementedError(f"{type(module).__name__} asks for a mask, a bias or sinks, which packed rows lack")
    scaling = scaling or query.shape[-1] ** -0.5
    queries, keys, values = (tensor.split(list(row_lengths), dim=2) for tensor in (query, key, value))
    rows = list(zip(queries, keys, values, strict=True))
    if softcap is not None or query.device.type == "cpu":
        mixed = [in_blocks(*row, scaling, dropout, sliding_window, softcap) for row in rows]
    else:
        mixed = [by_kernel(*row, scaling, dropout, sliding_window) for row in rows]
    return torch.cat([row.transpose(1, 2) for row in mixed], dim=1), None


def by_kernel(
    query: Tensor, key: Tensor, value: Tensor, scaling: float, dropout: float, sliding_window: int | None
) -> Tensor:
    """Causal attention of one row by torch's fastest kernel for the device; shapes as in ``attend_within_rows``."""
    length = query.shape[2]
    # The fast kernels know no window: a mask comes in only where the window is shorter than the row.
    mask = visible(0, length, 0, sliding_window, query.device) if sliding_window and sliding_window < length else None
    grouped, causal = query.shape[1] != key.shape[1], mask is None
    return F.scaled_dot_product_attention(query, key, value, mask, dropout, causal, scale=scaling, enable_gqa=grouped)


def in_blocks(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scaling: float,
    dropout: float,
    sliding_window: int | None,
    softcap: float | None = None,
) -> Tensor:
    """The same, written out: a block of queries against the keys that it can see.

    The query heads of a key's head lie side by side. No kernel of torch caps the products; and on a CPU its fast one
    takes twice as long, forward and backward, as these few large products do.
    """
    groups = query.shape[1] // key.shape[1]
    queries, keys, values = query[0].unflatten(0, (-1, groups)), key[0], value[0]
    mixed = []
    for begin in range(0, query.shape[2], BLOCK):
        end = min(begin + BLOCK, query.shape[2])
        first = max(begin - sliding_window + 1, 0) if sliding_window else 0
        scores = queries[:, :, begin:end].flatten(1, 2) @ keys[:, first:end].transpose(1, 2)
        scores = scores.unflatten(1, (groups, -1))
        factor = scaling
        if softcap is not None:
            scores, factor = torch.tanh(scores * (scaling / softcap)), softcap
        bias = _bias(begin, end, first, sliding_window, query.device, query.dtype)
        weights = F.dropout(torch.softmax(torch.add(bias, scores, alpha=factor), dim=-1), dropout)
        mixed.append((weights.flatten(1, 2) @ values[:, first:end]).unflatten(1, (groups, -1)))
    return torch.cat(mixed, dim=2).flatten(0, 1)[None]


@lru_cache(maxsize=64)
def _bias(
    begin: int, end: int, first: int, sliding_window: int | None, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """0 where :func:`visible`, else minus infinity: all layers ask for the same."""
    unseen = ~visible(begin, end, first, sliding_window, device)
    return torch.zeros_like(unseen, dtype=dtype).masked_fill_(unseen, -torch.inf)


def visible(begin: int, end: int, first: int, sliding_window: int | None, device: torch.device) -> Tensor:
    """``[end - begin, end - first]``: whether the token of a line, counted from ``begin``, sees that of a column.

    Columns count from ``first``. A token sees itself and what is before it, as far as the window goes.
    """
    lines, columns = torch.arange(begin, end, device=device), torch.arange(first, end, device=device)
    distance = lines[:, None] - columns
    return (distance >= 0) & (distance < (sliding_window or end))


AttentionInterface.register(ROWS, attend_within_rows)
