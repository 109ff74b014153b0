"""How far one gets with the choices alone (Gururangan et al. 2018, section 3): a classifier of wording and length."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

FOLDS = 10

REAL_LEVELS = {
    "cais/mmlu/all/test.jsonl": (0.271, 0.317),
    "tau/commonsense_qa/validation.jsonl": (0.215, 0.295),
    "allenai/openbookqa/main/test.jsonl": (0.377, 0.440),
    "truthfulqa/truthful_qa/multiple_choice/validation.jsonl": (0.569, 0.650),
}
"""The same share on the real sets: mean and 95th percentile over 100 samples of as many rows as the bundled set has.

Measured on copies of the sets that the folders are named after (7,032 rows of MMLU's test split, 611, 250 and 409 rows
of the others) with ``HUB_MIRROR=... pytest tests/data/against_the_real_sets.py -k levels -s``.
"""


def guessed(offered: Sequence[Sequence[str]], right: Sequence[int]) -> float:
    """Share of rows that a classifier of single choices gets right, trained on the choices of the other folds.

    It sees the words and pairs of words of a choice, whether it is the longest or shortest of its row, and how its
    lengths in characters and words compare with its row's means. It takes the choice that looks most like a right one;
    of several alike, any.
    """
    texts = np.array([choice for choices in offered for choice in choices], dtype=object)
    row_of = np.repeat(np.arange(len(offered)), [len(choices) for choices in offered])
    rows = zip(offered, right, strict=True)
    is_right = np.array([place == key for choices, key in rows for place in range(len(choices))])
    lengths = np.vstack([_lengths(choices) for choices in offered])
    scores = np.zeros(len(texts))
    for training, held_out in GroupKFold(FOLDS).split(texts, is_right, row_of):
        words = CountVectorizer(ngram_range=(1, 2), binary=True, min_df=2, token_pattern=r"\w+")
        seen = hstack([words.fit_transform(texts[training]), csr_matrix(lengths[training])])
        classifier = LogisticRegression(C=0.3, solver="liblinear").fit(seen, is_right[training])
        unseen = hstack([words.transform(texts[held_out]), csr_matrix(lengths[held_out])])
        scores[held_out] = classifier.decision_function(unseen)
    shares = []
    for row in range(len(offered)):
        of_row = row_of == row
        shares.append(is_right[of_row][np.isclose(scores[of_row], scores[of_row].max())].mean())
    return float(np.mean(shares))


def _lengths(choices: Sequence[str]) -> np.ndarray:
    """[choice, 4]: longest, shortest, and the logarithms of characters and words over the row's means."""
    characters = np.array([len(choice) for choice in choices])
    words = np.array([len(choice.split()) for choice in choices])
    longest, shortest = characters == characters.max(), characters == characters.min()
    return np.column_stack([longest, shortest, np.log(characters / characters.mean()), np.log(words / words.mean())])
