"""Writing answers to many prompts: sorted, batched under a token budget, finished rows leaving their batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from stages.decoding.attention import PackedRows, layer
from stages.decoding.cache import KeyValues, PreallocatedCache, joined
from stages.decoding.model import Loaded
from stages.decoding.parameters import Sampling
from stages.decoding.prefilling import common, grouped, read

LEAVE_SHARE = 0.05
"""The share of a batch's rows that must be finished before they are taken out: kernels are prepared for each number."""

Until = Callable[[Sequence[int]], bool]
"""Asked after each token with all that was written: whether the answer ends here."""


@dataclass
class Prompt:
    """A prompt to answer.

    Attributes:
        ids: The prompt's tokens.
        max_new_tokens: The limit of the answer.
        not_first: Tokens that may not come first.
        until: What ends the answer besides the model's own stops; None for nothing.
    """

    ids: list[int]
    max_new_tokens: int
    not_first: list[int] = field(default_factory=list)
    until: Until | None = field(default=None, repr=False)


@dataclass
class Completion:
    """An answer.

    Attributes:
        ids: Its tokens without the one that stops it.
        finished: Whether it ended before its limit.
        past: Keys and values of the prompt and the answer, of all tokens but the last.
    """

    ids: list[int]
    finished: bool
    past: KeyValues


def batches(prompts: Sequence[Prompt], batch_tokens: int) -> Iterator[list[int]]:
    """Indices of prompts that go together.

    Prompts that share most of what they say follow one another, so that it is read once for all in a batch; apart from
    that the longest come first, so that what does not fit is known at once.
    """
    sizes = [len(prompt.ids) + prompt.max_new_tokens for prompt in prompts]
    return grouped(
        _order(prompts),
        lambda batch, index: max(sizes[each] for each in (*batch, index)) * (len(batch) + 1) > batch_tokens,
    )


def _order(prompts: Sequence[Prompt]) -> list[int]:
    groups: list[list[int]] = []
    for index in sorted(range(len(prompts)), key=lambda index: prompts[index].ids):
        ids = prompts[index].ids
        if groups and 2 * common(prompts[groups[-1][0]].ids, ids) > len(ids):
            groups[-1].append(index)
        else:
            groups.append([index])
    sorted_groups = [sorted(group, key=lambda index: (-len(prompts[index].ids), index)) for group in groups]
    sorted_groups.sort(key=lambda group: (-len(prompts[group[0]].ids), group[0]))
    return [index for group in sorted_groups for index in group]


class Chooser:
    """Chooses next tokens: the most probable ones, or ones drawn by temperature, top-p and repetition penalty.

    Each row draws from a generator of its own, so that it depends on its seed alone, not on which rows share its batch.
    """

    def __init__(self, sampling: Sampling | None, seeds: list[int]) -> None:
        self.sampling = sampling
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def choose(self, logits: Tensor, rows: list[int], written: list[list[int]]) -> Tensor:
        """Next tokens ``[rows]`` from logits ``[rows, vocabulary]`` in float32, which change in place.

        ``rows`` says which of the generators each row has, ``written`` what it has written so far. The prompt's tokens
        are not penalised: the "you are" of a system prompt would keep a model from beginning its role prompt with it.
        """
        if self.sampling is None:
            return logits.argmax(dim=-1)
        if self.sampling.repetition_penalty != 1:
            penalize(logits, written, self.sampling.repetition_penalty)
        drawn = torch.tensor([float(torch.rand((), generator=self.generators[row])) for row in rows])
        return nucleus(logits / self.sampling.temperature, self.sampling.top_p, drawn.to(logits.device))


def penalize(logits: Tensor, written: list[list[int]], penalty: float) -> None:
    """Divide positive logits of written tokens by the penalty, multiply negative ones (Keskar et al. 2019, 4.1)."""
    for row, tokens in enumerate(written):
        index = torch.tensor(sorted(set(tokens)), dtype=torch.long, device=logits.device)
        values = logits[row, index]
        logits[row, index] = torch.where(values > 0, values / penalty, values * penalty)


def nucleus(logits: Tensor, top_p: float, drawn: Tensor) -> Tensor:
    """Tokens drawn, by uniforms ``[rows]``, from the smallest set whose probability reaches ``top_p``.

    Nucleus sampling (Holtzman et al. 2020, section 3.1).
    """
    probabilities, tokens = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True, stable=True)
    cumulative = probabilities.cumsum(dim=-1)
    kept = cumulative - probabilities < top_p
    mass = (probabilities * kept).sum(dim=-1)
    place = (cumulative < (drawn * mass)[:, None]).sum(dim=-1).clamp(max=kept.sum(dim=-1) - 1)
    return tokens.gather(1, place[:, None])[:, 0]


@torch.inference_mode()
def generate(
    loaded: Loaded, prompts: Sequence[Prompt], chooser: Chooser, rows: Sequence[int], on_token: Callable[[int], None]
) -> list[Completion]:
    """Answer one batch; prompts with no room for an answer are only read, for their choices to be scored.

    Args:
        loaded: The model.
        prompts: The batch's prompts.
        chooser: Chooses next tokens.
        rows: Which of the chooser's generators each prompt has.
        on_token: Called with the number of tokens written at each step, for the progress bar.
    """
    pasts = read([prompt.ids[:-1] for prompt in prompts], loaded)
    written: list[list[int]] = [[] for _ in prompts]
    ended = [
        None if prompt.max_new_tokens else Completion([], False, past)
        for prompt, past in zip(prompts, pasts, strict=True)
    ]
    present = [index for index, completion in enumerate(ended) if completion is None]
    if present:
        reserved = max(prompt.max_new_tokens for prompt in prompts)
        cache, lengths = joined([pasts[index] for index in present], reserved, layer(loaded.model))
        ids = torch.tensor([prompts[index].ids[-1:] for index in present], device=loaded.device)
    del pasts
    while present:
        logits = last_logits(loaded, ids, lengths, cache)
        lengths = lengths + 1
        if not any(written):
            _forbid(logits, [prompts[index].not_first for index in present])
        chosen = chooser.choose(logits, [rows[index] for index in present], [written[index] for index in present])
        for place, (index, token) in enumerate(zip(present, chosen.tolist(), strict=True)):
            if ended[index] is None:
                prompt = prompts[index]
                begin = cache.get_seq_length() - len(prompt.ids) - len(written[index])
                stopped = token in loaded.stops
                if not stopped:
                    written[index].append(token)
                    stopped = prompt.until is not None and prompt.until(written[index])
                if stopped or len(written[index]) == prompt.max_new_tokens:
                    end = begin + len(prompt.ids) + len(written[index]) - 1
                    past = [(keys.clone(), values.clone()) for keys, values in cache.row(place, begin, end)]
                    ended[index] = Completion(written[index], stopped, past)
        going = [place for place, index in enumerate(present) if ended[index] is None]
        on_token(len(going))
        if len(going) <= (1 - LEAVE_SHARE) * len(present):
            kept = _closed_up(going)
            cache.keep(kept)
            present, lengths, chosen = [present[place] for place in kept], lengths[kept], chosen[kept]
        ids = chosen[:, None]
    return [completion for completion in ended if completion is not None]


def generate_all(
    loaded: Loaded, prompts: Sequence[Prompt], sampling: Sampling | None, seeds: list[int], batch_tokens: int
) -> list[Completion]:
    """Answer all prompts, in their order; each draws by its own seed where answers are sampled."""
    chooser = Chooser(sampling, seeds)
    found: dict[int, Completion] = {}
    for batch in batches(prompts, batch_tokens):
        completions = generate(loaded, [prompts[index] for index in batch], chooser, batch, lambda tokens: None)
        found |= dict(zip(batch, completions, strict=True))
    return [found[index] for index in range(len(prompts))]


def _closed_up(going: list[int]) -> list[int]:
    """The places that go on, with the last of them moved to where one is free."""
    free = sorted(set(range(len(going))) - set(going))
    moved = dict(zip(free, [place for place in going if place >= len(going)], strict=True))
    return [moved.get(place, place) for place in range(len(going))]


def last_logits(loaded: Loaded, ids: Tensor, lengths: Tensor, cache: PreallocatedCache) -> Tensor:
    """Logits after the last position in float32, ``[rows, vocabulary]``; nothing else is projected."""
    return logits_from(loaded, ids, lengths, cache, ids.shape[1] - 1)[:, 0].float()


def logits_from(loaded: Loaded, ids: Tensor, lengths: Tensor, cache: PreallocatedCache, first: int) -> Tensor:
    """Logits after each of some tokens from the one at ``first`` on, ``[rows, tokens - first, vocabulary]``.

    Args:
        loaded: The model.
        ids: The next tokens of each row, ``[rows, tokens]``; they continue the cache.
        lengths: How many tokens each row has in the cache, ``[rows]``; what stands before them is padding.
        cache: Of all rows.
        first: From where on hidden states are projected to the vocabulary.
    """
    filled, tokens = cache.get_seq_length(), ids.shape[1]
    columns = torch.arange(filled + tokens, device=ids.device)
    seen: dict[str, Any] = {"attention_mask": None}
    if loaded.skips_padding:
        seen = {"rows": PackedRows(lengths, filled + tokens, tokens)}
    elif (lengths < filled).any():
        seen["attention_mask"] = (columns >= filled - lengths[:, None]).long()
    out = loaded.model(
        **seen,
        input_ids=ids,
        position_ids=lengths[:, None] + columns[:tokens],
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=tokens - first,
    )
    logits: Tensor = out.logits
    return logits


def _forbid(logits: Tensor, tokens: Sequence[Sequence[int]]) -> None:
    for row, forbidden in enumerate(tokens):
        if forbidden:
            logits[row, torch.tensor(list(forbidden), device=logits.device)] = float("-inf")
