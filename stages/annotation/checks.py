"""What a role prompt must be before it may stand in the corpus.

The bounds catch what is broken; they do not edit.
"""

import re

from stages.chat.self_prompt import OPENING
from stages.chat_models import InvalidAnswer
from stages.records.conversation import Conversation

FEWEST_WORDS, MOST_WORDS = 12, 80
FIRST_SENTENCE_WORDS = 8
"""The first sentence must stand by itself: an arm is trained on it alone."""
COPIED_WORDS = 8
"""This many words in a row that also occur in the conversation count as a quotation."""

NUMBER = re.compile(r"(?<![\w-])\d+(?:[.,]\d+)*(?![\w-])")  # not the 16 of 16-bit
WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
LETTER = re.compile(r"[^\W\d_]")
ENGLISH = frozenset(
    "a an and are as at by for from has have how in is of on that the to what who whose with you your".split()  # noqa: SIM905
)
"""Common words: nearly every English sentence has some of them."""
FUNCTION_WORDS = ENGLISH | frozenset(
    """about above after again against all also am any be because been before being below between both but can could
    did do does doing down during each else ever few had having he her here hers him his i if into it its itself just
    may me might more most much must my no nor not now off once one only or other our out over own same shall she
    should so some such than their them then there these they this those through to too under until up us very was we
    were when where whether which while why will within without would yours""".split()  # noqa: SIM905
)
"""Words without content: they give nothing away."""
SENTENCE_END = re.compile(r"[.!?][\"'\u201d\u2019)]*\s")


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
    words = len(role.split())
    faults = {
        "does not open as a role prompt": not role.startswith(f"{OPENING} "),
        "more than one paragraph": "\n" in role,
        "half a character": "\ufffd" in role,
        "too short": words < FEWEST_WORDS,
        "too long": words > MOST_WORDS,
        # A sentence without its end was cut off, whatever the server says.
        "does not end with a sentence": not role.rstrip("\"'\u201d\u2019)").endswith((".", "!", "?")),
        "first sentence does not stand by itself": len(SENTENCE_END.split(role)[0].split()) < FIRST_SENTENCE_WORDS,
    }
    return next((fault for fault, there in faults.items() if there), None)


def _fault_of_language(role: str) -> str | None:
    letters = LETTER.findall(role)
    latin = sum(LATIN.match(letter) is not None for letter in letters)
    # The opening is English in any case: what follows it decides.
    words = _plain(role[len(OPENING) :]).split()
    english = sum(word in ENGLISH for word in words)
    if latin < 0.9 * len(letters) or english < 0.08 * len(words):
        return "not in English"
    return None


def _fault_of_content(role: str, conversation: Conversation) -> str | None:
    # The role stands before the first answer: all that follows the first user turn is for the answers to say.
    asked, later = conversation.turns[:1], conversation.turns[1:]
    plain_asked, plain_later = _plain(*asked), _plain(*later)
    runs = _runs(role)
    if any(run in plain_asked for run in runs):
        return "repeats the question"
    if any(run in plain_later for run in runs):
        return "gives the answer away"
    plain_role = _plain(role.removeprefix(OPENING))
    for turn in later:
        # A whole answer that is shorter than a quotation, if any of its words carries content.
        short = _plain(turn)
        content = set(short.split()) - FUNCTION_WORDS
        if content and short.count(" ") <= COPIED_WORDS and short in plain_role and short not in plain_asked:
            return "gives the answer away"
    if (told := _numbers(role)) and told & (_numbers(*later) - _numbers(*asked)):
        return "gives the answer away"
    return None


def _runs(role: str) -> list[str]:
    """Every run of words in the role that is long enough for a quotation; the opening is everyone's."""
    words = _plain(role.removeprefix(OPENING)).split()
    return [f" {' '.join(words[at : at + COPIED_WORDS])} " for at in range(len(words) - COPIED_WORDS + 1)]


def _plain(*turns: str) -> str:
    """The words alone, in lower case, a blank around each; a bar between turns, which no run of words crosses."""
    return " | ".join(f" {' '.join(WORD.findall(turn.lower()))} " for turn in turns)


def _numbers(*turns: str) -> set[str]:
    return {number for turn in turns for number in NUMBER.findall(turn)}
