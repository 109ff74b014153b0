"""How far the wording of the choices leads someone who reads no question (Gururangan et al. 2018, section 3)."""

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from stages.data_checks.choice_rows import ChoiceRow
from stages.data_checks.findings import Fault, Line
from stages.data_checks.guessing import ENOUGH, chance

FOLDS = 10
MARGIN = 0.15
"""Wider than for guessing by length: a classifier of a hundred rows strays by nine points either way."""


def guessed_by_wording(rows: Sequence[ChoiceRow]) -> float:
    """Share of the rows that a classifier of single choices gets right, trained on the other folds' choices.

    It sees which words and pairs of words a choice has, and takes the choice of a row that looks most like a right
    one; of several alike, any.
    """
    texts = np.array([choice for row in rows for choice in row.offered])
    row_of = np.repeat(np.arange(len(rows)), [len(row.offered) for row in rows])
    right = np.array([place == row.right for row in rows for place in range(len(row.offered))])
    scores = np.zeros(len(texts))
    for training, held_out in GroupKFold(FOLDS).split(texts, right, row_of):
        words = CountVectorizer(ngram_range=(1, 2), binary=True, min_df=2)
        classifier = make_pipeline(words, LogisticRegression(C=0.3, solver="liblinear"))
        classifier.fit(texts[training], right[training])
        scores[held_out] = classifier.decision_function(texts[held_out])
    shares = []
    for row in range(len(rows)):
        of_row = row_of == row
        taken = np.isclose(scores[of_row], scores[of_row].max())
        shares.append(right[of_row][taken].mean())
    return float(np.mean(shares))


def check_wording(lines: Sequence[Line[ChoiceRow]]) -> Iterator[Fault]:
    rows = [line.row for line in lines]
    if len(rows) < ENOUGH:
        return
    share, by_chance = guessed_by_wording(rows), chance(rows)
    if share > by_chance + MARGIN:
        yield Fault(
            lines[0].path,
            None,
            f"the wording of the choices alone gets {share:.1%} right, by chance {by_chance:.1%}: reword choices (such "
            f"as wrong ones with always, right ones with often) until it is within {MARGIN:.0%}",
        )


def measure_wording(rows: Sequence[ChoiceRow]) -> str:
    return f"the wording of the choices alone {guessed_by_wording(rows):.1%}"
