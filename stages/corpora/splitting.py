"""Train and validation items: stratified by source, near-duplicates kept together."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import vstack
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedGroupKFold

from stages.core.errors import InputError
from stages.corpora.preset import SplitParameters
from stages.records.conversation import AnnotatedConversation

BLOCK = 1000
"""Texts that are compared with all others at once: a large corpus would not fit into memory otherwise."""


def split(
    items: Sequence[AnnotatedConversation], parameters: SplitParameters, seed: int
) -> tuple[list[AnnotatedConversation], list[AnnotatedConversation]]:
    """Train and validation items, each in the corpus's order.

    The held-out items depend on neither ``max_words`` nor ``limit``: these bound the training items alone.

    Raises:
        InputError: There are too few items for two sides, too few that are no near-duplicates of one another, or none
            with at most ``max_words`` words.
    """
    groups = near_duplicate_groups([item.turns[0] for item in items], parameters.duplicate_similarity)
    folds = round(1 / parameters.validation)
    if (apart := len(set(groups.tolist()))) < folds:
        raise InputError(
            f"data/annotated.jsonl: {len(items)} items, of which {apart} are no near-duplicates of one another, cannot "
            f"be split with validation {parameters.validation:g}, which takes at least {folds}: add items, or raise "
            "the scale's split.validation (at most 0.5) or split.duplicate_similarity in params.yaml"
        )
    sources = _common_sources([item.source for item in items], folds)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    train, validation = next(iter(splitter.split(np.zeros(len(items)), sources, groups)))
    short = _short([items[index] for index in train], parameters.max_words)
    return _limited(short, parameters.limit, seed), [items[index] for index in validation]


def words(item: AnnotatedConversation) -> int:
    """Words of all turns; the role prompt's do not count, since not all arms have it."""
    return sum(len(turn.split()) for turn in item.turns)


def near_duplicate_groups(texts: Sequence[str], similarity: float) -> np.ndarray:
    """A group number for each text; texts chained by similarity share one. ``[texts]``."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(texts)
    blocks = [vectors[begin : begin + BLOCK] @ vectors.T >= similarity for begin in range(0, len(texts), BLOCK)]
    return np.asarray(connected_components(vstack(blocks), directed=False)[1])


def _short(items: list[AnnotatedConversation], max_words: int | None) -> list[AnnotatedConversation]:
    kept = [item for item in items if max_words is None or words(item) <= max_words]
    if not kept:
        raise InputError(
            f"none of the {len(items)} training items has at most {max_words} words, the shortest has "
            f"{min(map(words, items))}: raise the scale's split.max_words in params.yaml"
        )
    return kept


def _limited(items: list[AnnotatedConversation], limit: int | None, seed: int) -> list[AnnotatedConversation]:
    """A sample that takes sources in turn, so that a small one has them all; in the corpus's order."""
    if limit is None or limit >= len(items):
        return items
    order = np.random.default_rng(seed).permutation(len(items))
    turn: Counter[str] = Counter()
    ranked: list[tuple[int, int, int]] = []
    for place, index in enumerate(order.tolist()):
        turn[items[index].source] += 1
        ranked.append((turn[items[index].source], place, index))
    return [items[index] for index in sorted(index for *_, index in sorted(ranked)[:limit])]


def _common_sources(sources: Sequence[str], folds: int) -> list[str]:
    """Sources with fewer items than there are folds are stratified as one."""
    return [source if sources.count(source) >= folds else "other" for source in sources]
