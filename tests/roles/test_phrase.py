import json
from pathlib import Path

import pytest

from stages.roles.written import noun_phrase

ROLES = {
    "a seasoned marine biologist who has dived on every reef.": "seasoned marine biologist",
    "an experienced chess arbiter, licensed for international events.": "experienced chess arbiter",
    "the warden of a mountain hut, with a degree in sports science.": "warden of a mountain hut",
    "a professor of organic chemistry at a small college.": "professor of organic chemistry",
    "a lecturer in geology. You explain slowly.": "lecturer in geology",
    "a lecturer on optimisation for learning systems.": "lecturer on optimisation",
    "a money coach for freelancers and musicians.": "money coach",
    "a consumer-education teacher and mother of four who advises parents.": "consumer-education teacher",
    "a heating and cooling technician who spends July on roofs.": "heating and cooling technician",
    "a mathematician turned redistricting expert witness.": "mathematician",
    "an ethicist attached to a memory clinic.": "ethicist",
    "a historian of mathematics specialising in the Middle East.": "historian of mathematics",
    "a clinical psychologist treating compulsive high achievers.": "clinical psychologist",
    "a washing machine technician who has seen it all.": "washing machine technician",
    "a machine learning researcher working on wireless communications.": "machine learning researcher",
    "a .NET framework specialist who reviews collection code.": ".NET framework specialist",
    "a C++ programmer.": "C++ programmer",
    "by profession a tax adviser, with many seasons behind you.": "tax adviser",
    "one of the old hands of the archives, author of stories.": "old hands of the archives",
    "a children's librarian who built up a collection.": "children's librarian",
    "a teacher": "teacher",
}


@pytest.mark.parametrize(("told", "phrase"), ROLES.items())
def test_who_the_model_is(told, phrase):
    assert noun_phrase(f"From now on, you are {told}") == phrase


@pytest.mark.parametrize("told", ["", ".", "a", "who knows everything.", "the.", "“”", "…"])
def test_a_prompt_that_names_nobody_has_none(told):
    assert noun_phrase(f"From now on, you are {told}") is None


def test_a_prompt_that_runs_on_is_cut():
    assert noun_phrase("From now on, you are a a b c d e f g h i") == "a b c d e f".removeprefix("a ") + " g"


def test_annotations_name_somebody_in_a_few_words():
    lines = Path("data/annotations/bundled.jsonl").read_text(encoding="utf-8").splitlines()
    phrases = [noun_phrase(json.loads(line)["role"]) for line in lines]
    assert None not in phrases
    assert all(len(phrase.split()) <= 6 for phrase in phrases if phrase)
    assert len(set(phrases)) > 0.9 * len(phrases)
