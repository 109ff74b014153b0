"""What a reader finds in an answer."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Reading:
    """An answer as read.

    Attributes:
        value: The answer in the form in which it is compared; None where none could be read.
        pattern: ``strict`` where the answer was given as the prompt asks, ``flexible`` where it was found otherwise.
    """

    value: str | None
    pattern: Literal["strict", "flexible"] | None


UNREAD = Reading(None, None)


def strict(value: str) -> Reading:
    return Reading(value, "strict")


def flexible(value: str | None) -> Reading:
    return UNREAD if value is None else Reading(value, "flexible")
