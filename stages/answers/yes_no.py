"""Yes or no.

Strict: the last line ``Answer: yes`` opens with the word. Flexible, in this order: that line with ``true`` or
``false``, or how sure it is before the word ("definitely yes", "probably not"); the last sentence that says "the
answer is yes"; a text that opens with the word; a last sentence that opens with it, or with "so yes". A "no" within a
sentence ("there is no reason") is not an answer, and "yes and no", "yes or no", or both, each on a line of its own, is
none either.
"""

import re
from collections import deque

from stages.answers import answer_line
from stages.answers.answer_line import UNREAD, ReadAnswer, flexible, strict
from stages.records.question import Question

READING = "loglikelihood"

WORD = r"(?P<word>yes|no)\b(?!-|'\w)"
SURE = (
    r"(?:(?:most|very|almost)\s+)?"
    r"(?:definitely|certainly|absolutely|likely|probably|clearly|simply|of\s+course|a\s+clear)\s+"
)
# "No country has …" is a sentence, "No, …" and "No it has not" are verdicts: flexibly read, the word is set off.
SET_OFF = r"(?=\s*(?:[,.;:!()\"']|-\s|$|\n)|\s+(?:it|he|she|they|because|since)\b)"
# "Not" alone is no verdict ("Not sure", "Not all do"), "probably not" is one.
VERDICT = rf"(?:(?:{SURE})?{WORD}|{SURE}(?P<negated>not)\b){SET_OFF}"
OPENS = re.compile(VERDICT, re.IGNORECASE)
LATER = re.compile(rf"(?:^|[.!?:]\s+|\n)[\"'(]?(?:(?:so|therefore|thus|hence),?\s+)?{VERDICT}", re.IGNORECASE)
ALONE = re.compile(rf"^\W*{WORD}\W*$", re.IGNORECASE | re.MULTILINE)
STATED = re.compile(WORD, re.IGNORECASE)
SURELY = re.compile(rf"{SURE}{WORD}", re.IGNORECASE)
BOTH = re.compile(r"(?:yes\W+(?:and|or|/)?\W*no|no\W+(?:and|or|/)?\W*yes)\b", re.IGNORECASE)
TRUTH = re.compile(r"(true|false)\b", re.IGNORECASE)


def labels(question: Question) -> list[str]:
    """What the choices are called, in the order of their log-likelihoods."""
    return [choice.lower() for choice in question.choices]


def score(value: str | None, question: Question) -> float:
    return float(value == question.answer)


def read(text: str, question: Question) -> ReadAnswer:
    text = answer_line.before_next_question(text, question.question)
    stated = answer_line.last(text)
    if stated is not None:
        if reading := _stated(stated):
            return reading
        said = next(answer_line.phrases(stated), None)  # "Answer: The answer is no"
        return flexible(reading.value) if said and (reading := _stated(said)) else UNREAD
    for phrase in answer_line.phrases(text):
        if reading := _stated(phrase):
            return flexible(reading.value)
    return flexible(_verdict(answer_line.plain(text).strip()))


def _stated(stated: str) -> ReadAnswer | None:
    """The reading of what opens with a verdict; None of what does not."""
    stated = stated.strip("\"'([")
    if BOTH.match(stated):
        return UNREAD
    if found := STATED.match(stated):
        return strict(found["word"].lower())
    if found := TRUTH.match(stated):
        return flexible({"true": "yes", "false": "no"}[found[1].lower()])
    if found := SURELY.match(stated) or OPENS.match(stated):
        return flexible(_word(found))
    return None


def _verdict(text: str) -> str | None:
    text = text.lstrip("\"'([")
    if BOTH.match(text) or len({word.lower() for word in ALONE.findall(text)}) > 1:
        return None
    if found := OPENS.match(text):
        return _word(found)
    later = deque(LATER.finditer(text), maxlen=1)
    return _word(later[-1]) if later else None


def _word(found: re.Match[str]) -> str:
    return "no" if found.groupdict().get("negated") else found["word"].lower()
