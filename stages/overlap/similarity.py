"""The most similar text of a corpus, by TF-IDF and cosine: n-grams find what was copied, this what was reworded."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

ROWS = 512


def nearest(queries: Sequence[str], corpus: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each query the place of its nearest text in ``corpus`` and their cosine, both [queries].

    Words are weighted over corpus and queries together, so that what all questions of a set say counts little.
    """
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=1)
    try:
        weights = vectorizer.fit_transform([*corpus, *queries])
    except ValueError:  # no text has a word
        return np.zeros(len(queries), np.int64), np.zeros(len(queries))
    those, these = weights[: len(corpus)].T.tocsc(), weights[len(corpus) :]
    places, cosines = np.zeros(len(queries), np.int64), np.zeros(len(queries))
    for start in range(0, len(queries), ROWS):
        block = (these[start : start + ROWS] @ those).toarray()
        places[start : start + ROWS] = block.argmax(axis=1)
        cosines[start : start + ROWS] = block.max(axis=1)
    return places, cosines
