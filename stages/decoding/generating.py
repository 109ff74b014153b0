"""Answers to many prompts: sorted and batched under a token budget, finished rows leaving their batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from stages.decoding.cache import PreallocatedCache
from stages.decoding.model import Loaded
from stages.decoding.sampling import Chooser

WORTH_SHARING = 8

LEAVE_SHARE = 0.25
"""The share of a batch's rows that must be finished before they are taken out of it."""

KeyValues = list[tuple[Tensor, Tensor]]


@dataclass
class Prompt:
    """A prompt to answer: token ids, the limit of the answer, tokens that may not come first."""

    ids: list[int]
    max_new_tokens: int
    not_first: list[int] = field(default_factory=list)


@dataclass
class Completion:
    """An answer: token ids without the stop, whether it stopped by itself, and the cache of all but its last token."""

    ids: list[int]
    finished: bool
    past: KeyValues


def batches(prompts: Sequence[Prompt], batch_tokens: int) -> Iterator[list[int]]:
    """Indices of prompts that go together, longest first, so that what does not fit is known at once."""
    order = sorted(range(len(prompts)), key=lambda index: (-len(prompts[index].ids), index))
    batch: list[int] = []
    longest = 0
    for index in order:
        size = len(prompts[index].ids) + prompts[index].max_new_tokens
        if batch and max(longest, size) * (len(batch) + 1) > batch_tokens:
            yield batch
            batch, longest = [], 0
        batch.append(index)
        longest = max(longest, size)
    if batch:
        yield batch


@torch.inference_mode()
def generate(
    loaded: Loaded, prompts: Sequence[Prompt], chooser: Chooser, rows: Sequence[int], told: Callable[[int], None]
) -> list[Completion]:
    """Answer one batch.

    Args:
        loaded: The model.
        prompts: The batch's prompts.
        chooser: Chooses next tokens.
        rows: Which of the chooser's generators each prompt has.
        told: Called with the number of tokens written at each step, for the progress bar.
    """
    limit = max(prompt.max_new_tokens for prompt in prompts)
    ids, mask, cache = prefilled([prompt.ids for prompt in prompts], limit, loaded)
    written: list[list[int]] = [[] for _ in prompts]
    ended: list[Completion | None] = [None] * len(prompts)
    present = list(range(len(prompts)))
    positions = (mask.cumsum(dim=-1) - 1)[:, -ids.shape[1] :]
    first = True
    while present:
        logits = last_logits(loaded, ids, mask, positions, cache)
        if first:
            _forbid(logits, [prompt.not_first for prompt in prompts])
        seen = [prompts[index].ids + written[index] for index in present]
        chosen = chooser.choose(logits, [rows[index] for index in present], seen)
        tokens = chosen.tolist()
        for place, (index, token) in enumerate(zip(present, tokens, strict=True)):
            if ended[index] is None:
                stopped = token in loaded.stops
                if not stopped:
                    written[index].append(token)
                if stopped or len(written[index]) == prompts[index].max_new_tokens:
                    filled = cache.layers[0].filled - (1 if stopped else 0)
                    ended[index] = Completion(written[index], stopped, cache.row(place, mask[place, :filled]))
        going = [place for place, index in enumerate(present) if ended[index] is None]
        told(len(going))
        if len(going) <= (1 - LEAVE_SHARE) * len(present):
            present = [present[place] for place in going]
            kept = torch.tensor(going, dtype=torch.long, device=ids.device)
            cache.keep(kept)
            mask, positions, chosen = mask[kept], positions[kept], chosen[kept]
        ids = chosen[:, None]
        mask = torch.cat([mask, mask.new_ones(len(present), 1)], dim=1)
        positions = positions[:, -1:] + 1
        first = False
    return [completion for completion in ended if completion is not None]


def prefilled(sequences: Sequence[list[int]], limit: int, loaded: Loaded) -> tuple[Tensor, Tensor, PreallocatedCache]:
    """What is still to be read of each prompt, the mask of all of it, and a cache that holds what all have in common.

    A system prompt or worked examples are so computed once. Columns of the mask: common tokens, padding, the rest.
    """
    shared = shared_prefix(sequences)
    ids, mask = padded([sequence[shared:] for sequence in sequences], loaded)
    layers = loaded.model.config.get_text_config().num_hidden_layers
    cache = PreallocatedCache(layers, shared + ids.shape[1] + limit)
    if shared:
        common = PreallocatedCache(layers, shared)
        once = torch.tensor([sequences[0][:shared]], device=loaded.device)
        last_logits(loaded, once, torch.ones_like(once), torch.arange(shared, device=loaded.device)[None], common)
        cache.begin_with(common, len(sequences))
        mask = torch.cat([mask.new_ones(len(sequences), shared), mask], dim=1)
    return ids, mask, cache


def shared_prefix(sequences: Sequence[list[int]]) -> int:
    """How many tokens all sequences begin with, one left to each; 0 where it is too few to be worth it."""
    if len(sequences) < 2:
        return 0
    low, high = min(sequences), max(sequences)
    shortest = min(len(sequence) for sequence in sequences) - 1
    shared = next((place for place in range(shortest) if low[place] != high[place]), shortest)
    return shared if shared >= WORTH_SHARING else 0


def padded(sequences: Sequence[Sequence[int]], loaded: Loaded) -> tuple[Tensor, Tensor]:
    """Ids and mask, both ``[rows, longest]``, padded on the left."""
    longest = max(len(sequence) for sequence in sequences)
    ids = torch.zeros(len(sequences), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, longest - len(sequence) :] = torch.tensor(sequence)
        mask[row, longest - len(sequence) :] = 1
    return ids.to(loaded.device), mask.to(loaded.device)


def last_logits(loaded: Loaded, ids: Tensor, mask: Tensor, positions: Tensor, cache: PreallocatedCache) -> Tensor:
    """Logits after the last position in float32, ``[rows, vocabulary]``; nothing else is projected."""
    out = loaded.model(
        input_ids=ids,
        attention_mask=None if bool(mask.all()) else mask,
        position_ids=positions.clamp(min=0),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    logits: Tensor = out.logits[:, -1].float()
    return logits


def _forbid(logits: Tensor, tokens: Sequence[Sequence[int]]) -> None:
    for row, forbidden in enumerate(tokens):
        if forbidden:
            logits[row, torch.tensor(list(forbidden), device=logits.device)] = float("-inf")
