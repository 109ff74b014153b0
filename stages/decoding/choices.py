"""Log-likelihoods of texts that may follow a text: of choices, and of reference answers.

What the texts of one row have in common is computed once, and not at all where answering left it in a cache.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stages.decoding.cache import KeyValues, joined
from stages.decoding.generating import logits_from
from stages.decoding.model import Loaded
from stages.decoding.prefilling import PIECE_TOKENS, common, grouped, read

DECIMALS = 5
"""Of log-likelihoods in files."""

MOST_LOGITS = 1 << 26
"""Logits that are in memory at once: a quarter of a gibibyte in float32."""

WORTH_READING = 16
"""Tokens beyond a cache that are rather read once than again with each text that follows."""


@dataclass(frozen=True)
class Row:
    """A text and what may follow it, as token ids.

    Attributes:
        before: The text; at least one token.
        texts: Each of what may follow; at least one token each.
        known: Tokens of which ``past`` holds keys and values; they may part from ``before`` somewhere.
        past: Keys and values of ``known``, or of more; None where nothing is known.
    """

    before: list[int]
    texts: list[list[int]]
    known: Sequence[int] = ()
    past: KeyValues | None = None


@dataclass(frozen=True)
class _Branch:
    """Tokens fed after ``past``, and the texts of one row that begin after the one at ``start``."""

    row: int
    texts: tuple[int, ...]
    fed: list[int]
    start: int
    past: KeyValues


@torch.inference_mode()
def loglikelihoods(loaded: Loaded, rows: Sequence[Row], batch_tokens: int) -> list[list[float]]:
    """Log-likelihoods in nats, for each row one for each of its texts, summed over the text's tokens.

    ``batch_tokens`` are in memory at once, padding included.
    """
    pasts = _pasts(loaded, rows)
    branches = [branch for index, row in enumerate(rows) for branch in _branches(index, row, pasts[index])]
    found = [[0.0] * len(row.texts) for row in rows]
    for batch in _batches(loaded, branches, batch_tokens):
        longest = len(batch[0].fed)
        cache, lengths = joined([branch.past for branch in batch], longest)
        ids = torch.tensor([branch.fed + [0] * (longest - len(branch.fed)) for branch in batch], device=loaded.device)
        first = min(branch.start for branch in batch)
        logits = logits_from(loaded, ids, lengths, cache, first)
        for branch, after in zip(batch, logits, strict=True):
            texts = [rows[branch.row].texts[text] for text in branch.texts]
            for text, value in zip(branch.texts, _sums(after[branch.start - first :], texts), strict=True):
                found[branch.row][text] = value
    return found


def _sums(logits: Tensor, texts: Sequence[Sequence[int]]) -> list[float]:
    """Log-likelihoods of texts of one length whose tokens, but for each last one, are the same.

    ``logits`` come after the token before the texts, and after each of theirs, ``[tokens, vocabulary]``.
    """
    length = len(texts[0])
    logprobs = logits[:length].float().log_softmax(dim=-1)
    tokens = torch.tensor(texts, device=logits.device)
    return [float(value) for value in logprobs[torch.arange(length), tokens].double().sum(dim=-1)]


def _pasts(loaded: Loaded, rows: Sequence[Row]) -> list[KeyValues]:
    """Keys and values of the beginning of each row's text, up to its last token but one or as far as is known."""
    kept = [min(common(row.known, row.before), len(row.before) - 1) if row.past else 0 for row in rows]
    unread = [
        index for index, row in enumerate(rows) if len(row.before) - 1 - kept[index] > WORTH_READING or not row.past
    ]
    read_now = dict(zip(unread, read([rows[index].before[:-1] for index in unread], loaded), strict=True))
    return [
        read_now.get(index) or [(keys[:, : kept[index]], values[:, : kept[index]]) for keys, values in row.past or []]
        for index, row in enumerate(rows)
    ]


def _branches(index: int, row: Row, past: KeyValues) -> Iterator[_Branch]:
    """The texts of a row, together where they differ in their last token alone."""
    together: dict[tuple[int, ...], list[int]] = {}
    for text, tokens in enumerate(row.texts):
        together.setdefault(tuple(tokens[:-1]), []).append(text)
    rest = row.before[past[0][0].shape[1] :]
    for same, texts in together.items():
        yield _Branch(index, tuple(texts), [*rest, *same], len(rest) - 1, past)


def _batches(loaded: Loaded, branches: Sequence[_Branch], batch_tokens: int) -> Iterator[list[_Branch]]:
    """Branches that go through the model together: alike in length, the longest first, so that little is padded."""
    vocabulary = loaded.model.config.get_text_config().vocab_size

    def full(batch: list[_Branch], branch: _Branch) -> bool:
        rows, fed = [*batch, branch], len(batch[0].fed)
        projected = fed - min(each.start for each in rows)
        return (
            len(rows) * fed > PIECE_TOKENS[loaded.device.type]
            or len(rows) * projected * vocabulary > MOST_LOGITS
            or len(rows) * (fed + max(each.past[0][0].shape[1] for each in rows)) > batch_tokens
        )

    return grouped(sorted(branches, key=lambda branch: (-len(branch.fed), branch.row, branch.texts)), full)
