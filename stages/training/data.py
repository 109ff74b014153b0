"""The rendered rows of one arm."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from stages import arms
from stages.chat.rendering import Rendered, render
from stages.errors import InputError
from stages.randomness import generator
from stages.records.conversation import AnnotatedConversation
from stages.systems import Arm

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """Rendered conversations, and what truncation did.

    Attributes:
        truncated: Rows cut at the limit that still have something to learn.
        dropped: Ids of items whose prompt alone fills the limit.
    """

    rows: list[Rendered]
    truncated: int
    dropped: list[str]


def rendered_rows(
    tokenizer: PreTrainedTokenizerBase,
    corpus: Sequence[AnnotatedConversation],
    arm: Arm,
    max_length: int,
    seed: int,
) -> Rows:
    """Each item as the arm sees it; an item left without completion tokens is dropped, counted and said.

    Raises:
        InputError: No item is left.
    """
    roles = arms.roles(arm, corpus, generator(seed, "arms", arm))
    rows, truncated, dropped = [], 0, []
    for item, role in zip(corpus, roles, strict=True):
        whole = render(tokenizer, _without_open_end(arms.with_role(item.turns, role)), role)
        row = whole.truncated(max_length)
        if row.completion_tokens == 0:
            dropped.append(item.id)
            continue
        truncated += len(row.ids) < len(whole.ids)
        rows.append(row)
    if dropped:
        logger.warning("dropped, their prompts alone fill %d tokens: %s", max_length, ", ".join(dropped))
    if not rows:
        raise InputError(f"no item of the corpus has an answer within max_length {max_length}: raise it in params.yaml")
    return Rows(rows, truncated, dropped)


def _without_open_end(turns: list[str]) -> list[str]:
    """A conversation that ends on the user's turn loses that turn: nothing answers it."""
    return turns[: len(turns) // 2 * 2]
