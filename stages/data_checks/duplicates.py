"""Rows that ask the same: the same id, the same text, or nearly the same one by TF-IDF."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from scipy.sparse import triu
from sklearn.feature_extraction.text import TfidfVectorizer

from stages.data_checks.findings import Fault, Line

SIMILARITY = 0.7

Row = TypeVar("Row")


def check_repeats(lines: Sequence[Line[Row]], what: str, value: Callable[[Row], str | None]) -> Iterator[Fault]:
    """Rows with the same value, but for letter case and layout; a row without one repeats none."""
    first: dict[str, Line[Row]] = {}
    for line in lines:
        found = value(line.row)
        if found is None:
            continue
        other = first.setdefault(" ".join(found.lower().split()), line)
        if other is not line:
            yield line.fault(f"the same {what} as {other.seen_from(line.path)}")


def check_near_duplicates(lines: Sequence[Line[Row]], text: Callable[[Row], str]) -> Iterator[Fault]:
    """Texts whose TF-IDF vectors of words and pairs of words have a cosine of :data:`SIMILARITY` or more."""
    if len(lines) < 2:
        return
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform([text(line.row) for line in lines])
    cosines = triu(vectors @ vectors.T, k=1).tocoo()
    near = np.flatnonzero(cosines.data >= SIMILARITY)
    for place in near[np.lexsort((cosines.row[near], cosines.col[near]))]:
        first, second = lines[cosines.row[place]], lines[cosines.col[place]]
        yield second.fault(f"nearly the same as {first.seen_from(second.path)} (cosine {cosines.data[place]:.2f})")
