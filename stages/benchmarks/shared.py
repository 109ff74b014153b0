"""What several benchmarks share: how lettered choices are shown, and where the right one ends up."""

import random
import string
from collections.abc import Sequence
from typing import Literal

from stages.core.errors import InputError
from stages.corpora.roots import Fields

LETTERS = string.ascii_uppercase

Normalisation = Literal["characters", "unconditional", "none"]
"""How choices are compared by their own text, as OLMES does it (arXiv 2406.08446): by the log-likelihood divided by the
choice's characters, by the log-likelihood less that after the trigger alone, or by the log-likelihood itself.
"""

SHOWN_LETTERS = 'End with a line "Answer: X", where X is the letter of the right choice.'


def show_choices(question: str, choices: Sequence[str]) -> str:
    lines = "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=False))
    return f"{question}\n\n{lines}\n\n{SHOWN_LETTERS}"


def shuffled(choices: Sequence[str], right: int, rng: random.Random) -> tuple[list[str], str]:
    """The choices in a random order, and the letter under which the right one then stands."""
    order = list(range(len(choices)))
    rng.shuffle(order)
    return [choices[index] for index in order], LETTERS[order.index(right)]


def letter_of(row: Fields, place: object, places: Sequence[object]) -> str:
    """The letter under which the right choice is shown.

    Raises:
        InputError: The row names a right choice that it does not have.
    """
    if place not in places:
        known = ", ".join(map(str, places))
        raise InputError(f"{row.place}: the right answer is {place!r}, expected one of the choices: {known or 'none'}")
    return LETTERS[places.index(place)]
