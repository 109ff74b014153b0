"""What a role prompt must be before it may stand in the corpus.

The bounds are wider than what the instruction asks for: they are there to catch what is broken, not to edit.
"""

import re

from stages.chat.self_prompt import OPENING
from stages.chat_models.interface import InvalidAnswer
from stages.records.conversation import Conversation

FEWEST_WORDS, MOST_WORDS = 12, 120
COPIED_WORDS = 8
"""So many words in a row that also stand in the conversation are a quotation, no longer a way to speak of it."""

NUMBER = re.compile(r"(?<![\w-])\d+(?:[.,]\d+)*(?![\w-])")  # not the 16 of 16-bit
WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
LETTER = re.compile(r"[^\W\d_]")
ENGLISH = frozenset(
    "a an and are as at by for from has have how in is of on that the to what who whose with you your".split()  # noqa: SIM905
)
"""Words that hardly an English sentence does without."""


def check_role(role: str, conversation: Conversation) -> str:
    """The role prompt, stripped, if it may be used.

    Raises:
        InvalidAnswer: It may not; the reason is the same for all faults of a kind.
    """
    role = role.strip()
    for fault in (_fault_of_form(role), _fault_of_language(role), _fault_of_content(role, conversation)):
        if fault:
            raise InvalidAnswer(fault)
    return role


def _fault_of_form(role: str) -> str | None:
    if not role.startswith(f"{OPENING} "):
        return "does not open as a role prompt"
    if "\n" in role:
        return "more than one paragraph"
    if len(role.split()) < FEWEST_WORDS:
        return "too short"
    if len(role.split()) > MOST_WORDS:
        return "too long"
    # A sentence without its end was cut off, whatever the server says.
    if not role.rstrip("\"'\u201d\u2019)").endswith((".", "!", "?")):
        return "does not end with a sentence"
    return None


def _fault_of_language(role: str) -> str | None:
    letters = LETTER.findall(role)
    latin = sum(LATIN.match(letter) is not None for letter in letters)
    # The opening is English in any case: what follows it decides.
    words = [word.lower() for word in WORD.findall(role[len(OPENING) :])]
    english = sum(word in ENGLISH for word in words)
    if latin < 0.9 * len(letters) or english < 0.08 * len(words):
        return "not in English"
    return None


def _fault_of_content(role: str, conversation: Conversation) -> str | None:
    asked, answered = conversation.turns[0::2], conversation.turns[1::2]
    if _shares_words(role, asked):
        return "repeats the question"
    if _shares_words(role, answered) or any(_names_whole(role, answer, asked) for answer in answered):
        return "gives the answer away"
    known = {number for turn in asked for number in NUMBER.findall(turn)}
    told = {number for turn in answered for number in NUMBER.findall(turn)} - known
    if told.intersection(NUMBER.findall(role)):
        return "gives the answer away"
    return None


def _names_whole(role: str, answer: str, asked: list[str]) -> bool:
    """Whether an answer that is shorter than a quotation stands in the role, and not already in the question."""
    words = _words(answer)
    if not 0 < len(words) < COPIED_WORDS:
        return False
    wanted = f" {' '.join(words)} "
    return wanted in f" {' '.join(_words(role))} " and not any(
        wanted in f" {' '.join(_words(turn))} " for turn in asked
    )


def _shares_words(role: str, turns: list[str]) -> bool:
    told = _runs(role)
    return any(told & _runs(turn) for turn in turns)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _words(text.removeprefix(OPENING))
    return {tuple(words[start : start + COPIED_WORDS]) for start in range(len(words) - COPIED_WORDS + 1)}


def _words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]
