"""Yes or no.

Strict: the last line ``Answer: yes`` opens with the word. Flexible, in this order: that line with ``true`` or
``false``, or how sure it is before the word ("definitely yes"); the last sentence that says "the answer is yes"; a text
that opens with the word; a last sentence that opens with it, or with "so yes". A "no" within a sentence ("there is no
reason") is not an answer, and "yes and no", "yes or no", or both, each on a line of its own, is none either.
"""

import re

from stages.answers import answer_line
from stages.answers.reading import UNREAD, Reading, flexible, strict
from stages.records.question import Question

READING = "loglikelihood"

WORD = r"(yes|no)\b(?!-|'\w)"
# "No country has …" is a sentence, "No, …" and "No it has not" are verdicts: flexibly read, the word is set off.
SET_OFF = rf"{WORD}(?=\s*(?:[,.;:!()\"']|-\s|$|\n)|\s+(?:it|he|she|they|because)\b)"
ALONE = re.compile(rf"^\W*{WORD}\W*$", re.IGNORECASE | re.MULTILINE)
SURE = re.compile(r"(?:(?:most|very) )?(?:definitely|certainly|likely|probably|clearly|simply|a clear) ", re.IGNORECASE)
LATER = re.compile(rf"(?:^|[.!?:]\s+|\n)[\"'(]?(?:(?:so|therefore|thus|hence),?\s+)?{SET_OFF}", re.IGNORECASE)
BOTH = re.compile(r"(?:yes\W+(?:and|or|/)?\W*no|no\W+(?:and|or|/)?\W*yes)\b", re.IGNORECASE)
TRUTH = re.compile(r"(true|false)\b", re.IGNORECASE)


def labels(question: Question) -> list[str]:
    """What the choices are called, in the order of their log-likelihoods."""
    return [choice.lower() for choice in question.choices]


def score(value: str | None, question: Question) -> float:
    return float(value == question.answer)


def read(text: str, question: Question) -> Reading:
    stated = answer_line.last(text)
    if stated is not None:
        return _stated(stated) or UNREAD
    for phrase in answer_line.phrases(text):
        if reading := _stated(phrase):
            return flexible(reading.value)
    return flexible(_verdict(answer_line.plain(text).strip()))


def _stated(stated: str) -> Reading | None:
    """The reading of what opens with a verdict; None of what does not."""
    stated = stated.strip("\"'([")
    if BOTH.match(stated):
        return UNREAD
    if found := re.match(WORD, stated, re.IGNORECASE):
        return strict(found[1].lower())
    if found := TRUTH.match(stated):
        return flexible({"true": "yes", "false": "no"}[found[1].lower()])
    if (sure := SURE.match(stated)) and (found := re.match(WORD, stated[sure.end() :], re.IGNORECASE)):
        return flexible(found[1].lower())
    return None


def _verdict(text: str) -> str | None:
    text = text.lstrip("\"'([")
    if BOTH.match(text) or len({word.lower() for word in ALONE.findall(text)}) > 1:
        return None
    if found := re.match(SET_OFF, text, re.IGNORECASE):
        return found[1].lower()
    later = LATER.findall(text)
    return later[-1].lower() if later else None
