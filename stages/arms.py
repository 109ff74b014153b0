"""The arms of training: what differs between them is what stands at the head of the first assistant's turn."""

import random
from collections.abc import Sequence

from stages.chat import self_prompt
from stages.records.conversation import AnnotatedConversation
from stages.systems import Arm

GENERIC_ROLE = f"{self_prompt.OPENING} a helpful assistant who answers questions of every kind with care."


def roles(arm: Arm, corpus: Sequence[AnnotatedConversation], rng: random.Random) -> list[str | None]:
    """The role prompt that each item is trained with, in the order of the corpus.

    ``standard`` has none; ``role`` the item's own; ``shuffled`` another item's, in a permutation without fixed
    points; ``constant`` one generic role for all.
    """
    own = [item.role for item in corpus]
    match arm:
        case "standard":
            return [None] * len(corpus)
        case "role":
            return list(own)
        case "shuffled":
            return list(deranged(own, rng))
        case "constant":
            return [GENERIC_ROLE] * len(corpus)


def deranged(items: Sequence[str], rng: random.Random) -> list[str]:
    """A random cyclic permutation (Sattolo 1986): no item stays in its place, given at least two."""
    shuffled = list(items)
    for last in range(len(shuffled) - 1, 0, -1):
        other = rng.randrange(last)
        shuffled[last], shuffled[other] = shuffled[other], shuffled[last]
    return shuffled


def with_role(turns: Sequence[str], role: str | None) -> list[str]:
    """Turns whose first answer opens with the role prompt."""
    if role is None:
        return list(turns)
    return [turns[0], self_prompt.join(role, turns[1]), *turns[2:]]
