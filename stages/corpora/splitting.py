"""Train and validation items: stratified by source, near-duplicates kept together."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import count

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
Items = list[AnnotatedConversation]


def split(items: Sequence[AnnotatedConversation], parameters: SplitParameters, seed: int) -> tuple[Items, Items]:
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
    sizes = Counter(item.source for item in items)
    # Sources with fewer items than there are folds are stratified as one.
    strata = [item.source if sizes[item.source] >= folds else "other" for item in items]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    train, validation = next(iter(splitter.split(np.zeros(len(items)), strata, groups)))
    most = parameters.max_words
    short = [items[index] for index in train if most is None or words(items[index]) <= most]
    if not short:
        raise InputError(
            f"none of the {len(train)} training items has at most {most} words, the shortest has "
            f"{min(words(items[index]) for index in train)}: raise the scale's split.max_words in params.yaml"
        )
    return _sample(short, parameters.limit, seed), [items[index] for index in validation]


def words(item: AnnotatedConversation) -> int:
    """Words of all turns; the role prompt's do not count, since not all arms have it."""
    return sum(len(turn.split()) for turn in item.turns)


def near_duplicate_groups(texts: Sequence[str], similarity: float) -> np.ndarray:
    """A group number for each text; texts chained by similarity share one. ``[texts]``."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(texts)
    blocks = [vectors[begin : begin + BLOCK] @ vectors.T >= similarity for begin in range(0, len(texts), BLOCK)]
    return np.asarray(connected_components(vstack(blocks), directed=False)[1])


def _sample(items: Items, limit: int | None, seed: int) -> Items:
    """At random, but taking sources in turn, so that a small sample has them all; in the corpus's order."""
    order = np.random.default_rng(seed).permutation(len(items)).tolist()
    turns: defaultdict[str, Iterator[int]] = defaultdict(count)
    ranked = sorted(order, key=lambda index: next(turns[items[index].source]))
    return [items[index] for index in sorted(ranked[:limit])]
