"""The arms of training: what differs between them is what stands at the head of the first assistant's turn."""

import random
from collections.abc import Sequence
from typing import get_args

from stages.chat import self_prompt
from stages.records.conversation import AnnotatedConversation
from stages.records.systems import Arm, generator

ALL: tuple[Arm, ...] = get_args(Arm)

GENERIC_ROLE = f"{self_prompt.OPENING} a helpful assistant who answers questions of every kind with care."


def heads(arm: Arm, corpus: Sequence[AnnotatedConversation]) -> list[str | None]:
    """What each answer opens with, in the order of the corpus.

    ``standard`` has nothing; ``role`` the item's role prompt; ``shuffled`` another item's, in a permutation without
    fixed points that is the same for every seed of training; ``constant`` one generic role prompt for all; ``restated``
    the question's first sentence; ``brief`` the first sentence of the item's role prompt.
    """
    match arm:
        case "standard":
            return [None] * len(corpus)
        case "role":
            return [item.role for item in corpus]
        case "shuffled":
            return list(deranged([item.role for item in corpus], generator(0, "arms", arm)))
        case "constant":
            return [GENERIC_ROLE] * len(corpus)
        case "restated":
            return [self_prompt.first_sentence(item.turns[0]) for item in corpus]
        case "brief":
            return [self_prompt.first_sentence(item.role) for item in corpus]


def deranged(items: Sequence[str], rng: random.Random) -> list[str]:
    """A random cyclic permutation (Sattolo 1986): no item stays in its place, given at least two."""
    shuffled = list(items)
    for last in range(len(shuffled) - 1, 0, -1):
        other = rng.randrange(last)
        shuffled[last], shuffled[other] = shuffled[other], shuffled[last]
    return shuffled


def with_head(turns: Sequence[str], head: str | None) -> list[str]:
    """Turns whose first answer opens with the head, then a blank line.

    Answers lose white space at their beginning: a tokenizer may join it with the end of the prompt, and then they would
    be trained after other tokens than those that ask for them.
    """
    trimmed = [turn.lstrip() if index % 2 else turn for index, turn in enumerate(turns)]
    return trimmed if head is None else [turns[0], self_prompt.join(head, trimmed[1]), *trimmed[2:]]
