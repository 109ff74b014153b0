"""Runs of words that two texts share."""

import re
from collections.abc import Iterable

Gram = tuple[str, ...]


def words(text: str) -> list[str]:
    """Words and numbers in lower case; punctuation and layout are no part of what was copied."""
    return re.findall(r"[^\W_]+", text.lower())


def grams(text: str, size: int) -> set[Gram]:
    """All runs of ``size`` words; none where the text is shorter."""
    found = words(text)
    return {tuple(found[start : start + size]) for start in range(len(found) - size + 1)}


def index(texts: Iterable[tuple[str, str]], size: int, wanted: set[Gram]) -> dict[Gram, list[str]]:
    """Which of the named texts hold each wanted run, in their order. Only wanted runs are kept: a corpus has many."""
    holders: dict[Gram, list[str]] = {}
    for name, text in texts:
        for gram in grams(text, size) & wanted:
            names = holders.setdefault(gram, [])
            if name not in names:
                names.append(name)
    return holders
