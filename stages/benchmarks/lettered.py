"""Multiple-choice questions: how lettered choices are shown, and where the right one ends up."""

import random
import string
from collections.abc import Sequence

from stages.errors import InputError
from stages.sources.roots import Fields

LETTERS = string.ascii_uppercase


def show_choices(question: str, choices: Sequence[str], instruction: str) -> str:
    lines = "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=False))
    return f"{question}\n\n{lines}\n\n{instruction}"


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
