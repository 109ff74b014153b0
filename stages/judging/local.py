"""A judge in this process: how much likelier it finds the reply "A" than "B"."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from stages.chat_models.preset import LocalPreset
from stages.core.errors import InputError
from stages.decoding.choices import Row, loglikelihoods
from stages.decoding.context import continuations, opened
from stages.decoding.model import load
from stages.decoding.parameters import Decoding

REPLIES = ("A", "B")
BATCH_TOKENS = 1 << 16


@dataclass(frozen=True)
class Odds:
    """What the judge makes of one request.

    Attributes:
        log_odds: Log-likelihood of "A" less that of "B" in nats; None where the request exceeds the model's context.
    """

    prompt_tokens: int
    log_odds: float | None


def log_odds(folder: Path, requests: Sequence[str], preset: LocalPreset) -> Iterator[Odds]:
    """Of each request, at the head of the assistant's turn."""
    loaded = load(folder, Decoding(dtype=preset.dtype, batch_tokens=BATCH_TOKENS, threads=preset.threads))
    if loaded.tokenizer.chat_template is None:
        raise InputError(f"{folder} has no chat template, so it cannot judge: choose an instruct model")
    room = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize
    for begin in tqdm(range(0, len(requests), preset.batch_size), unit="batch", desc=f"{folder.name} judges"):
        batch = requests[begin : begin + preset.batch_size]
        rows = [Row(*continuations(loaded.tokenizer, opened(loaded.tokenizer, [text]), REPLIES)) for text in batch]
        fits = [len(row.before) + max(map(len, row.texts)) <= room for row in rows]
        fitting = [row for row, fit in zip(rows, fits, strict=True) if fit]
        found = iter(loglikelihoods(loaded, fitting, BATCH_TOKENS))
        for row, fit in zip(rows, fits, strict=True):
            first, second = next(found) if fit else (0.0, 0.0)
            yield Odds(len(row.before), first - second if fit else None)
