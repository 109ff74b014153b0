"""The numbers of ``metrics/roles.json``: how many roles, which, how long, and whether they fit their questions.

Fit is asked of a classifier by domain of MMLU: TF-IDF and logistic regression, trained on the questions and the
subjects' names. One trained on the roles would learn whatever the model writes for a domain, sense or not. This one
asks whether a role is about the same field as other questions of the domain.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline

from stages.chat import self_prompt
from stages.records.question import Question
from stages.records.systems import derive_seed
from stages.roles.written import WrittenRole, in_domain, most_frequent, phrases
from stages.scoring.tables import rounded
from stages.statistics.intervals import proportion

FOLDS = 5
# Words are cut to their first letters, so that a chemist meets chemistry. Of 223 role prompts written for this
# project's corpus on topics that name a domain, this put 55% into it; whole words 40%, pieces of words 46%.
STEM = 5
KEYS = ("share", "ci_low", "ci_high", "permuted", "p", "held_out_accuracy", "majority", "trained_on")
FREQUENT = 10
PERMUTATIONS = 4_999

Labels = NDArray[np.str_]
Numbers = dict[str, Any]


def stems(text: str) -> list[str]:
    return [word[:STEM] for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in ENGLISH_STOP_WORDS]


def cross_fitted(
    questions: Sequence[Question], domain_of: dict[str, str], asked: Sequence[tuple[int, str]], seed: int
) -> tuple[Labels, Labels]:
    """Domains of every question and of every asked role, each by a classifier that saw neither the one nor its like.

    Args:
        questions: All questions of MMLU with their subjects.
        domain_of: Subject to domain.
        asked: Roles, each with the place of its question in ``questions``: a role is read by the classifier that was
            trained without its question, so that words it took from there say nothing.
        seed: Of the folds.
    """
    texts = np.array([" ".join([each.question, *each.choices]) for each in questions], dtype=object)
    labels = np.array([domain_of[question.group or ""] for question in questions])
    places = np.array([place for place, _ in asked], dtype=np.int64)
    # What all role prompts begin with says nothing of the role.
    roles = np.array([role.removeprefix(self_prompt.OPENING).strip() for _, role in asked], dtype=object)
    of_questions, of_roles = np.empty_like(labels), np.empty(len(asked), dtype=labels.dtype)
    fewest = int(np.unique(labels, return_counts=True)[1].min())
    # A domain with one question cannot stand on both sides.
    folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed) if fewest > 1 else KFold(2)
    for seen, held_out in folds.split(texts, labels):
        classifier = trained(texts[seen].tolist(), labels[seen].tolist(), domain_of)
        of_questions[held_out] = classifier.predict(texts[held_out])
        here = np.isin(places, held_out)
        if here.any():
            of_roles[here] = classifier.predict(roles[here])
    return of_questions, of_roles


def trained(texts: Sequence[str], labels: Sequence[str], domain_of: dict[str, str]) -> Pipeline:
    """Each subject's name is one more text of its domain, and weighs as much as a subject's questions together."""
    names = [f"{subject.replace('_', ' ')} {domain_of[subject].replace('_', ' ')}" for subject in domain_of]
    weights = [1.0] * len(texts) + [max(len(texts) / len(names), 1.0)] * len(names)
    classifier = make_pipeline(
        TfidfVectorizer(analyzer=stems, sublinear_tf=True),
        LogisticRegression(class_weight="balanced", max_iter=500),
    )
    return classifier.fit([*texts, *names], [*labels, *domain_of.values()], logisticregression__sample_weight=weights)


def summarize(
    written: dict[str, list[WrittenRole]], questions: Sequence[Question], domains: dict[str, list[str]], seed: int
) -> dict[str, Numbers]:
    """Model → its roles' numbers, overall and by domain; None where there is nothing to count."""
    domain_of = {subject: domain for domain, subjects in domains.items() for subject in subjects}
    return {
        model: {
            **counts(entries),
            "belonging": belonging(entries, questions, domain_of, derive_seed(seed, "roles", model)),
            "domains": {domain: counts(in_domain(entries, domain)) for domain in domains if in_domain(entries, domain)},
        }
        for model, entries in written.items()
    }


def counts(written: Sequence[WrittenRole]) -> Numbers:
    """Counts over questions and seeds. ``words`` are of the whole role prompt, its opening included."""
    roles = [entry.role for entry in written if entry.role is not None]
    words, named, answers = [len(role.split()) for role in roles], phrases(written), len(written)
    return {
        "questions": len({entry.id for entry in written}),
        "seeds": len({entry.seed for entry in written}),
        "answers": answers,
        "roles": len(roles),
        "role_rate": rounded(len(roles) / answers) if answers else None,
        "well_formed_rate": rounded(sum(entry.well_formed for entry in written) / answers) if answers else None,
        "distinct": len(set(roles)),
        "distinct_phrases": len(named),
        "words": {
            "mean": rounded(float(np.mean(words))) if words else None,
            "sd": rounded(float(np.std(words, ddof=1))) if len(words) > 1 else None,
            "p90": rounded(float(np.quantile(words, 0.9))) if words else None,
        },
        "frequent": [{"phrase": phrase, "count": count} for phrase, count in most_frequent(named, FREQUENT)],
    }


def belonging(
    written: Sequence[WrittenRole], questions: Sequence[Question], domain_of: dict[str, str], seed: int
) -> Numbers:
    """Share of questions whose role a classifier puts into the question's domain, and what chance would give.

    Over all answers: one without a role is not in its domain. ``permuted`` is the mean share when roles are assigned
    to questions at random, ``p`` how often that gives at least the share seen. ``held_out_accuracy`` is the
    classifier's own on questions it was not trained on, ``majority`` what naming the largest domain would give.
    """
    known = [question for question in questions if question.group in domain_of]
    place = {question.id: number for number, question in enumerate(known)}
    labels = np.array([domain_of[question.group or ""] for question in known])
    asked = [(entry, entry.role) for entry in written if entry.role is not None and entry.id in place]
    if not asked or len(set(labels)) < 2:
        reason = "no role was written" if not asked else "the questions are of fewer than two domains"
        return dict.fromkeys(KEYS) | {"reason": reason}
    of_questions, of_roles = cross_fitted(known, domain_of, [(place[entry.id], role) for entry, role in asked], seed)
    guessed = {(entry.seed, entry.id): str(label) for (entry, _), label in zip(asked, of_roles, strict=True)}

    answered = {(entry.seed, entry.id) for entry in written}
    seeds = list(dict.fromkeys(entry.seed for entry in written))
    domains = {entry.id: entry.domain for entry in written if all((each, entry.id) in answered for each in seeds)}
    own = np.array(list(domains.values()))
    found = np.array([[guessed.get((each, one), "") for one in domains] for each in seeds])
    right = (found == own).astype(np.float64)
    low, high = proportion(right) or (None, None)
    permuted = permuted_shares(found, own, seed)
    at_least = int(np.sum(permuted >= right.mean() - 1e-12))
    return {
        "share": rounded(right.mean()),
        "ci_low": rounded(low),
        "ci_high": rounded(high),
        "permuted": rounded(permuted.mean()),
        "p": rounded((at_least + 1) / (PERMUTATIONS + 1)),
        "held_out_accuracy": rounded(float(np.mean(of_questions == labels))),
        "majority": rounded(np.unique(labels, return_counts=True)[1].max() / len(labels)),
        "trained_on": len(known),
    }


def permuted_shares(found: NDArray[np.str_], own: NDArray[np.str_], seed: int) -> NDArray[np.float64]:
    """Shares [permutations] of ``found`` [seeds, questions] that equal the questions' own domains, which are permuted.

    A question's roles of all seeds stay together: they answer the same question.
    """
    rng = np.random.default_rng(seed)
    numbers = np.unique(np.concatenate([found.ravel(), own]), return_inverse=True)[1]
    guesses, truth = numbers[: found.size].reshape(found.shape), numbers[found.size :]
    return np.array([np.mean(guesses == rng.permutation(truth)) for _ in range(PERMUTATIONS)])
