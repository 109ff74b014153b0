"""Train and validation items: stratified by source, near-duplicates kept together."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedGroupKFold

from stages.corpora.split_parameters import SplitParameters
from stages.errors import InputError
from stages.records.conversation import AnnotatedConversation


def split(
    items: Sequence[AnnotatedConversation], parameters: SplitParameters, seed: int
) -> tuple[list[AnnotatedConversation], list[AnnotatedConversation]]:
    """Train and validation items, each in the corpus's order.

    Raises:
        InputError: There are too few items for two sides, or too few that are no near-duplicates of one another.
    """
    kept = _limited(items, parameters.limit, seed)
    groups = near_duplicate_groups([item.turns[0] for item in kept], parameters.duplicate_similarity)
    folds = round(1 / parameters.validation)
    if (apart := len(set(groups.tolist()))) < folds:
        raise InputError(
            f"data/annotated.jsonl: {len(kept)} items, of which {apart} are no near-duplicates of one another, cannot "
            f"be split with validation {parameters.validation:g}, which takes at least {folds}: add items, or raise "
            "the scale's split.validation (at most 0.5) or split.duplicate_similarity in params.yaml"
        )
    sources = _common_sources([item.source for item in kept], folds)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    train, validation = next(iter(splitter.split(np.zeros(len(kept)), sources, groups)))
    return [kept[index] for index in train], [kept[index] for index in validation]


def near_duplicate_groups(texts: Sequence[str], similarity: float) -> np.ndarray:
    """A group number for each text; texts chained by similarity share one. ``[texts]``."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(texts)
    near = (vectors @ vectors.T) >= similarity
    return np.asarray(connected_components(near, directed=False)[1])


def _limited(items: Sequence[AnnotatedConversation], limit: int | None, seed: int) -> list[AnnotatedConversation]:
    """A sample that takes sources in turn, so that a small one has them all; in the corpus's order."""
    if limit is None or limit >= len(items):
        return list(items)
    order = np.random.default_rng(seed).permutation(len(items))
    turn: dict[str, int] = {}
    ranked: list[tuple[int, int, int]] = []
    for index in order:
        source = items[index].source
        turn[source] = turn.get(source, 0) + 1
        ranked.append((turn[source], len(ranked), int(index)))
    return [items[index] for index in sorted(index for *_, index in sorted(ranked)[:limit])]


def _common_sources(sources: Sequence[str], folds: int) -> list[str]:
    """Sources with fewer items than there are folds are stratified as one."""
    return [source if sources.count(source) >= folds else "other" for source in sources]
