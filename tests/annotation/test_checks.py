import json
from pathlib import Path

import pytest

from stages.annotation.checks import check_role
from stages.chat_models import InvalidAnswer
from stages.records.conversation import Conversation

GOOD = (
    "From now on, you are a hedgehog keeper with twenty years at a wildlife rescue station. You know what small"
    " mammals eat in every season and say plainly what harms them."
)
QUESTION = "My hedgehog weighs 412 grams in late autumn. Is that enough for it to get through the winter asleep?"
ANSWER = "No. It needs at least 500 grams, so feed it cat food and keep it warm until it has reached that weight."


def fault(role: str, *turns: str) -> str | None:
    try:
        check_role(role, Conversation(id="1", source="s", turns=list(turns) or [QUESTION, ANSWER]))
    except InvalidAnswer as error:
        return str(error)
    return None


def test_a_good_role_passes_stripped() -> None:
    conversation = Conversation(id="1", source="s", turns=[QUESTION, ANSWER])
    assert check_role(f"  {GOOD}\n", conversation) == GOOD


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        (GOOD.replace("From now on, you are", "You are"), "does not open as a role prompt"),
        (GOOD.replace("From now on", "from now on"), "does not open as a role prompt"),
        (f'"{GOOD}"', "does not open as a role prompt"),
        (GOOD.replace(". You", ".\n\nYou"), "more than one paragraph"),
        ("From now on, you are a keeper of hedgehogs.", "too short"),
        (GOOD + " You know what they eat." * 11, "too long"),
        (GOOD[:-1] + " \ufffd.", "half a character"),
        (
            "From now on, you are a keeper. You know what hedgehogs eat in winter.",
            "first sentence does not stand by itself",
        ),
        (GOOD[:-10], "does not end with a sentence"),
        ("", "does not open as a role prompt"),
    ],
)
def test_the_form_is_checked(role: str, reason: str) -> None:
    assert fault(role) == reason


@pytest.mark.parametrize(
    "role",
    [
        "From now on, you are ein erfahrener Igelpfleger, der seit zwanzig Jahren kranke Tiere aufzieht und kennt.",
        "From now on, you are un cuidador de erizos que conoce todas las estaciones y habla con claridad siempre.",
        "From now on, you are опытный смотритель ежей, который знает, что едят мелкие звери в любое время года здесь.",
        "From now on, you are " + "刺猬救助站的饲养员 " * 12 + ".",
    ],
)
def test_a_role_in_another_language_is_refused(role: str) -> None:
    assert fault(role) == "not in English"


def test_names_from_other_languages_are_welcome() -> None:
    assert fault(GOOD.replace("a wildlife rescue station", "the Škoda Igelstation of Győr, near Łódź")) is None


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("You know that it needs at least 500 grams, so people ask.", "gives the answer away"),
        ("You would say feed it cat food and keep it warm until spring.", "gives the answer away"),
        ("You are asked: is that enough for it to get through the winter?", "repeats the question"),
        ("You have weighed many, 412 grams and more.", None),
        ("You have a 16-bit scale.", None),
    ],
)
def test_what_the_role_tells_of_the_conversation(told: str, reason: str | None) -> None:
    assert fault(f"{GOOD} {told}") == reason


def test_a_short_answer_must_not_be_named() -> None:
    assert fault(f"{GOOD} You love Lake Balaton.", "Which lake is the largest of Hungary?", "Lake Balaton.")
    assert fault(f"{GOOD} You love Lake Balaton.", "How deep is Lake Balaton?", "Shallow.") is None
    assert fault(f"{GOOD} You know that yes is right.", "Is it so?", "Yes.") == "gives the answer away"


@pytest.mark.parametrize("answer", ["on", "you", "Of.", "are", "now", "What who", "No.", "From now on, you are", "?"])
def test_an_answer_without_a_word_of_content_is_not_sought_in_the_role(answer: str) -> None:
    assert fault(GOOD, "Which word is missing?", answer) is None
    assert fault(f"{GOOD} You are an expert on balance.", "Which word?", "You are an expert.")


def test_what_only_a_later_turn_says_is_given_away_too() -> None:
    later = (QUESTION, "No.", "And one of 731 grams that eats nothing but snails?", "Yes, then.")
    assert fault(f"{GOOD} You once weighed 731 of them.", *later) == "gives the answer away"
    assert fault(f"{GOOD} You know one of 731 grams that eats nothing but snails.", *later) == "gives the answer away"


def test_every_later_turn_counts() -> None:
    leak = "one must never ever give milk to a hedgehog"
    assert fault(f"{GOOD} You know {leak}.", QUESTION, "No.", "And milk?", f"Oh, {leak} at all.")


def test_the_recorded_annotations_of_this_repository_pass() -> None:
    bundled = Path("data/bundled/GAIR/lima/train.jsonl")
    recorded = Path("data/annotations/bundled.jsonl")
    roles = [json.loads(line)["role"] for line in recorded.read_text(encoding="utf-8").splitlines()]
    rows = [json.loads(line)["conversations"] for line in bundled.read_text(encoding="utf-8").splitlines()]
    faults = {fault(role, *row) for role, row in zip(roles, rows, strict=True)}
    assert faults == {None}
