"""Prompts read into caches: what several begin with is computed once, the rest in pieces of one size.

Prefixes are shared at every depth: the system prompt by all, a subject's worked examples by its questions. Rows of a
piece are padded on the right, where causal attention does not look, so that no mask is needed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TypeVar

import torch

from stages.decoding.cache import KeyValues, PreallocatedCache
from stages.decoding.model import Loaded

Each = TypeVar("Each")

WORTH_SHARING = 32
"""Tokens that sharing a prefix must save: a pass over a few tokens costs as much as so many more in a larger one."""

PIECE_TOKENS = {"cpu": 512, "cuda": 16384}
"""Tokens that go through the model at once. On a CPU what a layer writes then stays in the cache of the processor."""


@torch.inference_mode()
def read(sequences: Sequence[list[int]], loaded: Loaded) -> list[KeyValues]:
    """The keys and values of each sequence's tokens."""
    found: dict[int, KeyValues] = {}
    order = sorted(range(len(sequences)), key=lambda index: sequences[index])
    waiting: list[tuple[list[int], PreallocatedCache | None]] = [(order, None)]
    while waiting:
        members, past = waiting.pop()
        begun = 0 if past is None else past.get_seq_length()
        alone = set(members)
        for family, shared in families(sequences, members, begun, begun):
            alone -= set(family)
            waiting.append((family, _continued(past, [sequences[family[0]][begun:shared]], loaded)))
        for piece in _pieces({index: len(sequences[index]) for index in alone}, begun, loaded):
            cache = _continued(past, [sequences[index][begun:] for index in piece], loaded)
            found |= {index: cache.row(place, 0, len(sequences[index])) for place, index in enumerate(piece)}
    return [found[index] for index in range(len(sequences))]


def families(
    sequences: Sequence[list[int]], members: Sequence[int], begun: int, depth: int
) -> Iterator[tuple[list[int], int]]:
    """Members whose common beginning is worth reading once, and how many tokens it has.

    Args:
        sequences: All sequences.
        members: Some of them, in lexicographic order, alike in their first ``depth`` tokens.
        begun: How many tokens are read already.
        depth: From where on to look.
    """
    for _, run in groupby(members, key=lambda index: sequences[index][depth : depth + 1]):
        family = list(run)
        shared = common(sequences[family[0]], sequences[family[-1]])
        if (len(family) - 1) * (shared - begun) >= WORTH_SHARING:
            yield family, shared
        elif len(family) > 1 and shared > depth:
            yield from families(sequences, family, begun, shared)


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens both begin with."""
    shortest = min(len(first), len(second))
    return next((place for place in range(shortest) if first[place] != second[place]), shortest)


def grouped(items: Iterable[Each], full: Callable[[list[Each], Each], bool]) -> Iterator[list[Each]]:
    """Items in their order, in lists; a list ends where ``full`` says that the next item exceeds it."""
    group: list[Each] = []
    for item in items:
        if group and full(group, item):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _pieces(lengths: dict[int, int], begun: int, loaded: Loaded) -> Iterator[list[int]]:
    """Sequences that go through the model together: alike in length, so that little is padded."""
    budget = PIECE_TOKENS[loaded.device.type]
    longest_first = sorted(lengths, key=lambda index: (-lengths[index], index))
    return grouped(longest_first, lambda piece, _: (lengths[piece[0]] - begun) * (len(piece) + 1) > budget)


def _continued(past: PreallocatedCache | None, rows: Sequence[Sequence[int]], loaded: Loaded) -> PreallocatedCache:
    """A cache of rows that all continue the single row of another; a row shorter than the longest ends in padding."""
    begun = 0 if past is None else past.get_seq_length()
    longest = max(1, *(len(row) for row in rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
    cache = PreallocatedCache(loaded.model.config.get_text_config().num_hidden_layers, begun + longest)
    if past is not None:
        cache.begin_with(past, len(rows))
    # All layers but the projection to the vocabulary.
    loaded.model.base_model(
        input_ids=ids.to(loaded.device),
        position_ids=torch.arange(begun, begun + longest).to(loaded.device)[None],
        past_key_values=cache,
        use_cache=True,
    )
    return cache
