"""How much of a benchmark's questions stands in the training corpus: shared runs of words, and similar questions."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from stages.records.conversation import AnnotatedConversation
from stages.records.question import Question

# 13 words are GPT-3's measure (Brown et al. 2020, appendix C), 8 PaLM's (Chowdhery et al. 2022, section 8).
SIZES = (8, 13)
SIMILAR = 0.5
EXAMPLES = 5
ROWS = 512
"""Queries that are compared with the corpus at once: all of them would not fit into memory."""

Gram = tuple[str, ...]
Numbers = dict[str, Any]


def contamination(questions: Sequence[Question], corpus: Sequence[AnnotatedConversation]) -> Numbers:
    """Shares of the test questions that overlap with the corpus: its turns and its role prompts.

    A question is its text and each of its choices, taken apart, so that no run of words crosses from one into the
    next. ``too_short`` questions have no run of that many words. Examples are ids alone: the questions and the corpus
    have their own licences.
    """
    asked = [question for question in questions if question.use == "test"]
    return {
        "questions": len(asked),
        "conversations": len(corpus),
        **{f"ngram_{size}": shared_runs(asked, corpus, size) for size in SIZES},
        "similar": similar(asked, corpus),
    }


def shared_runs(asked: Sequence[Question], corpus: Sequence[AnnotatedConversation], size: int) -> Numbers:
    """Questions that share a run of ``size`` words with a turn or a role prompt."""
    runs = {each.id: set().union(*(grams(part, size) for part in [each.question, *each.choices])) for each in asked}
    wanted = set().union(*runs.values())
    holders: dict[Gram, set[str]] = defaultdict(set)
    for item in corpus:
        for text in [*item.turns, item.role]:
            for gram in grams(text, size) & wanted:  # a corpus has too many to keep them all
                holders[gram].add(item.id)
    found = {question: set().union(*(holders[gram] for gram in own & holders.keys())) for question, own in runs.items()}
    hits = [{"question": question, "conversation": min(names)} for question, names in found.items() if names]
    return {
        "count": len(hits),
        "share": _share(len(hits), len(asked)),
        "too_short": sum(not own for own in runs.values()),
        "examples": hits[:EXAMPLES],
    }


def grams(text: str, size: int) -> set[Gram]:
    """All runs of ``size`` words; none where the text is shorter."""
    found = words(text)
    return {tuple(found[start : start + size]) for start in range(len(found) - size + 1)}


def words(text: str) -> list[str]:
    """Words and numbers in lower case; punctuation and layout are no part of what was copied."""
    return re.findall(r"[^\W_]+", text.lower())


def similar(asked: Sequence[Question], corpus: Sequence[AnnotatedConversation]) -> Numbers:
    """Questions whose nearest user's turn has a cosine of at least :data:`SIMILAR`, the nearest first."""
    turns = [(item.id, turn) for item in corpus for turn in item.turns[::2]]
    if not asked or not turns:
        return {"threshold": SIMILAR, "count": 0, "share": None, "highest": None, "examples": []}
    places, cosines = nearest([question.question for question in asked], [turn for _, turn in turns])
    hits = [
        {"question": asked[rank].id, "conversation": turns[places[rank]][0], "cosine": round(float(cosines[rank]), 6)}
        for rank in np.argsort(-cosines, kind="stable")
        if cosines[rank] >= SIMILAR
    ]
    return {
        "threshold": SIMILAR,
        "count": len(hits),
        "share": _share(len(hits), len(asked)),
        "highest": round(float(cosines.max()), 6),
        "examples": hits[:EXAMPLES],
    }


def nearest(queries: Sequence[str], corpus: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each query the place of its nearest text in ``corpus`` and their cosine, both [queries].

    Words are weighted over corpus and queries together, so that what all questions of a set say counts little.
    """
    places, cosines = np.zeros(len(queries), np.int64), np.zeros(len(queries))
    try:
        weights = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit_transform([*corpus, *queries])
    except ValueError:  # no text has a word
        return places, cosines
    those, these = weights[: len(corpus)].T.tocsc(), weights[len(corpus) :]
    for start in range(0, len(queries), ROWS):
        block = (these[start : start + ROWS] @ those).toarray()
        places[start : start + ROWS] = block.argmax(axis=1)
        cosines[start : start + ROWS] = block.max(axis=1)
    return places, cosines


def _share(count: int, whole: int) -> float | None:
    return round(count / whole, 6) if whole else None
