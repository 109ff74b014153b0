"""Which domain of MMLU a text is about: TF-IDF and logistic regression, trained on questions and never on roles.

A classifier trained on the roles would learn whatever the model writes for a domain, sense or not. Trained on the
questions and the subjects' names, it asks whether a role is about the same field as other questions of the domain.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline

from stages.records.question import Question
from stages.roles.written import without_opening

FOLDS = 5
# Words are cut to their first letters, so that a chemist meets chemistry. Of 223 role prompts written for this
# project's corpus on topics that name a domain, this put 55% into it; whole words 40%, pieces of words 46%.
STEM = 5

Labels = NDArray[np.str_]


def stems(text: str) -> list[str]:
    return [word[:STEM] for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in ENGLISH_STOP_WORDS]


def text_of(question: Question) -> str:
    return " ".join([question.question, *question.choices])


def cross_fitted(
    questions: Sequence[Question], domain_of: dict[str, str], asked: Sequence[tuple[int, str]], seed: int
) -> tuple[Labels, Labels]:
    """Domains of every question and of every asked text, each by a classifier that saw neither the one nor its like.

    Args:
        questions: All questions of MMLU with their subjects.
        domain_of: Subject to domain.
        asked: Texts, each with the place of its question in ``questions``: a text is read by the classifier that was
            trained without its question, so that words it took from there say nothing.
        seed: Of the folds.
    """
    texts = np.array([text_of(question) for question in questions], dtype=object)
    labels = np.array([domain_of[question.group or ""] for question in questions])
    places = np.array([place for place, _ in asked], dtype=np.int64)
    others = np.array([without_opening(text) for _, text in asked], dtype=object)
    of_questions, of_texts = np.empty_like(labels), np.empty(len(asked), dtype=labels.dtype)
    for seen, held_out in _folds(labels, seed):
        classifier = trained(texts[seen].tolist(), labels[seen].tolist(), domain_of)
        of_questions[held_out] = classifier.predict(texts[held_out])
        here = np.isin(places, held_out)
        if here.any():
            of_texts[here] = classifier.predict(others[here])
    return of_questions, of_texts


def trained(texts: Sequence[str], labels: Sequence[str], domain_of: dict[str, str]) -> Pipeline:
    """Each subject's name is one more text of its domain, and weighs as much as a subject's questions together."""
    names = [f"{subject.replace('_', ' ')} {domain_of[subject].replace('_', ' ')}" for subject in domain_of]
    weights = [1.0] * len(texts) + [max(len(texts) / len(names), 1.0)] * len(names)
    classifier = make_pipeline(
        TfidfVectorizer(analyzer=stems, sublinear_tf=True),
        LogisticRegression(class_weight="balanced", max_iter=500),
    )
    return classifier.fit([*texts, *names], [*labels, *domain_of.values()], logisticregression__sample_weight=weights)


def _folds(labels: Labels, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    fewest = int(min(np.unique(labels, return_counts=True)[1]))
    if fewest < 2:  # a domain with one question cannot stand on both sides
        return [(np.flatnonzero(np.arange(len(labels)) % 2 != part), np.flatnonzero(np.arange(len(labels)) % 2 == part))
                for part in (0, 1)]  # fmt: skip
    folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    return list(folds.split(np.zeros(len(labels)), labels))
