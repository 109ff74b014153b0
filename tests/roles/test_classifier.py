import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from stages.records.question import Question
from stages.roles.numbers import cross_fitted, stems, trained
from tests.reporting.example_run import DOMAINS, WORDS

DOMAIN_OF = {subject: domain for domain, subjects in DOMAINS.items() for subject in subjects}
# Topics of the bundled corpus that are a domain's.
TOPICS = {
    "mathematics": "mathematics", "statistics": "mathematics", "physics": "physics",
    "astronomy_and_earth_science": "physics", "chemistry": "chemistry", "biology": "biology", "medicine": "medicine",
    "nutrition_and_health": "medicine", "programming": "computing", "machine_learning": "computing",
    "computer_systems": "computing", "economics": "business", "finance": "business",
    "business_and_marketing": "business", "law": "law", "politics_and_society": "law", "history": "humanities",
    "philosophy_and_ethics": "humanities", "religion_and_culture": "humanities", "psychology": "society",
    "geography": "society",
}  # fmt: skip


def question(number: int, subject: str, text: str) -> Question:
    return Question(id=f"mmlu-{number}", group=subject, question=text, choices=["a", "b"], answer="A")


def made(per_subject: int) -> list[Question]:
    pairs = [(subject, domain) for subject, domain in DOMAIN_OF.items() for _ in range(per_subject)]
    return [
        question(number, subject, " ".join(WORDS[domain][(number + shift) % 8] for shift in range(3)))
        for number, (subject, domain) in enumerate(pairs)
    ]


def test_words_are_cut_so_that_a_chemist_meets_chemistry():
    assert stems("The chemist") == stems("chemistry") == ["chemi"]


def test_questions_and_roles_of_clear_words_are_told_apart():
    questions = made(3)
    asked = [(place, f"From now on, you are an expert on {WORDS[DOMAIN_OF[each.group]][0]}.")
             for place, each in enumerate(questions)]  # fmt: skip
    of_questions, of_roles = cross_fitted(questions, DOMAIN_OF, asked, seed=1)
    own = np.array([DOMAIN_OF[each.group] for each in questions])
    assert np.mean(of_questions == own) > 0.95
    assert np.mean(of_roles == own) > 0.95


def test_a_role_that_repeats_its_own_question_gains_nothing_by_it():
    """Each question has words of its own alone: a classifier that had seen it would place the role by them."""
    questions = [
        question(number, subject, f"qqq{number:03d}x zzz{number:03d}y")
        for number, subject in enumerate(list(DOMAIN_OF) * 2)
    ]
    asked = [(place, f"From now on, you are {each.question}") for place, each in enumerate(questions)]
    _, of_roles = cross_fitted(questions, DOMAIN_OF, asked, seed=1)
    own = np.array([DOMAIN_OF[each.group] for each in questions])
    assert np.mean(of_roles == own) < 0.3


def test_roles_written_for_known_topics_are_mostly_put_right():
    """Trained on the bundled questions alone, it places role prompts whose topics are known far better than chance."""
    rows = [
        json.loads(line)
        for name in ("test", "dev")
        for line in Path(f"data/bundled/cais/mmlu/all/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    texts = [" ".join([row["question"], *row["choices"]]) for row in rows]
    classifier = trained(texts, [DOMAIN_OF[row["subject"]] for row in rows], DOMAIN_OF)
    recorded = [json.loads(line) for line in Path("data/annotations/bundled.jsonl").read_text("utf-8").splitlines()]
    known = [(each["role"], TOPICS[each["source"]]) for each in recorded if each["source"] in TOPICS]
    found = classifier.predict([role.removeprefix("From now on, you are") for role, _ in known])
    assert len(known) > 150
    assert np.mean(found == np.array([domain for _, domain in known])) > 0.45


def test_domains_of_one_question_are_no_error():
    questions = [
        question(number, subjects[0], f"about {domain}") for number, (domain, subjects) in enumerate(DOMAINS.items())
    ]
    of_questions, _ = cross_fitted(questions, DOMAIN_OF, [], seed=1)
    assert len(of_questions) == 10


def test_the_domains_are_those_of_the_parameters():
    assert set(WORDS) == set(yaml.safe_load(Path("params.yaml").read_text("utf-8"))["mmlu_domains"])


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_gives_the_same_labels(seed):
    questions = made(2)
    first, second = (cross_fitted(questions, DOMAIN_OF, [(0, "a judge")], seed) for _ in range(2))
    assert [each.tolist() for each in first] == [each.tolist() for each in second]
