"""Whether roles fit their items: similarity with the own item against that with another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

WINS_FOR_A_LOSS = 3
SEED = 17


@dataclass(frozen=True)
class Fit:
    """How often a role is nearer to its own item than to another, how often farther; equal ones count for neither."""

    wins: int
    losses: int

    @property
    def enough(self) -> bool:
        return self.wins >= WINS_FOR_A_LOSS * self.losses

    def __str__(self) -> str:
        return f"roles nearer to their own item than to another: {self.wins}, farther: {self.losses}"


def fit(roles: Sequence[str], items: Sequence[str]) -> Fit:
    """Compare each role with its own item and with one other, drawn at random, by cosines of TF-IDF vectors."""
    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True).fit([*roles, *items])
    of_roles, of_items = vectorizer.transform(roles), vectorizer.transform(items)
    shift = np.random.default_rng(SEED).integers(1, len(items), size=len(items))
    others = (np.arange(len(items)) + shift) % len(items)
    own = np.asarray(of_roles.multiply(of_items).sum(axis=1)).ravel()
    other = np.asarray(of_roles.multiply(of_items[others]).sum(axis=1)).ravel()
    return Fit(int((own > other).sum()), int((own < other).sum()))
