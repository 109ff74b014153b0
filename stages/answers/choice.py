r"""A choice's letter.

Strict: the last line ``Answer: B`` holds a letter alone, in brackets or quotes, or set off from what follows
(``B``, ``(b)``, ``"B"``, ``B.``, ``B) Paris``). Flexible, in this order:

1. that line, read more freely: ``B because``, ``option B``, the text of a choice, a letter in brackets after it;
2. the last sentence that says "the answer is …", read the same way;
3. ``\boxed{B}``, if no other letter is boxed;
4. one letter alone that is said to be right or chosen ("B is correct", "I choose B");
5. one letter alone set out as ``B.`` or ``(B)`` at the head of a line; several are choices gone through, no answer;
6. the text of one choice alone, or one bracketed letter alone, anywhere.

Two letters offered at once ("A or B") are no answer, nor is a letter that no choice bears.
"""

import re
import string

from stages.answers import answer_line
from stages.answers.answer_line import UNREAD, ReadAnswer, flexible, strict
from stages.records.question import Question

READING = "loglikelihood"

OPEN, CLOSE = r"[\"'(\[<]?", r"[\"')\]>]?"
DOLLARS = re.compile(r"\$(?=\(?[A-Z\\$])|(?<=[A-Z)}$])\$")
BOXED = re.compile(r"\\boxed\{((?:[^{}\n]|\{[^{}\n]*\})*)\}")


def labels(question: Question) -> list[str]:
    """What the choices are called, in the order of their log-likelihoods."""
    return list(string.ascii_uppercase[: len(question.choices)])


def score(value: str | None, question: Question) -> float:
    return float(value == question.answer)


def read(text: str, question: Question) -> ReadAnswer:
    letters = "".join(labels(question))
    text = DOLLARS.sub("", answer_line.before_next_question(text, question.question))
    stated = answer_line.last(text)
    if stated is not None:
        return _stated(stated, question, letters)
    for phrase in answer_line.phrases(text):
        if _offers_two(phrase, letters):
            return UNREAD
        if letter := _set_off(phrase, letters) or _from_statement(phrase, question, letters):
            return flexible(letter)
    boxed = {letter for content in BOXED.findall(text) if (letter := _set_off(answer_line.plain(content), letters))}
    if boxed:
        return flexible(boxed.pop()) if len(boxed) == 1 else UNREAD
    return _unstated(answer_line.plain(text), question, letters)


def _stated(stated: str, question: Question, letters: str) -> ReadAnswer:
    if _offers_two(stated, letters):
        return UNREAD
    if letter := _set_off(stated, letters):
        return strict(letter)
    said = next(answer_line.phrases(stated), stated)  # "Answer: The answer is B"
    return flexible(_set_off(said, letters) or _from_statement(said, question, letters))


def _unstated(text: str, question: Question, letters: str) -> ReadAnswer:
    for pattern in (
        rf"(?<![\w'])(?:{OPEN}([{letters}]){CLOSE} is (?:the )?(?:correct|right|best|answer)\b"
        rf"|(?:I(?:'d| would| will)? (?:choose|pick|select)|[Ll]etter(?: is|:)) {OPEN}([{letters}])\b(?!['-]))",
        rf"^[ \t>-]*{OPEN}([{letters}]){CLOSE}(?:[.):](?!\w)|[ \t]*$)",
    ):
        found = {match[match.lastindex or 0] for match in re.finditer(pattern, text, re.MULTILINE)}
        if found:
            return flexible(found.pop()) if len(found) == 1 else UNREAD
    return flexible(_named(text, question) or _bracketed(text, letters))


def _offers_two(stated: str, letters: str) -> bool:
    """Whether it opens with several letters: "A or B", "A, C", "(A) and (B)"."""
    letter = rf"\(?[{letters}]\)?(?![\w'])"
    return bool(re.match(rf"(?:both\s+|either\s+)?{letter}\s*(?:,|/|&|\+|,?\s*\b(?:and|or)\b)\s*{letter}", stated))


def _set_off(stated: str, letters: str) -> str | None:
    either = letters + letters.lower()
    found = re.match(rf"{OPEN}([{either}])(?:[.):,;\"'\]>](?![\w'])|\s*$|\s*[=-]\s|\s+\()", stated)
    return found[1].upper() if found else None


def _from_statement(stated: str, question: Question, letters: str) -> str | None:
    if letter := _opens_with_not(stated, question):
        return letter
    if re.match(rf"not |{OPEN}[{letters}]{CLOSE} is(?:n't| not| wrong| incorrect)\b", stated, re.IGNORECASE):
        return None
    # "a" and "I" are words too: they count as letters only where set off.
    bare = "".join(letter for letter in letters.lower() if letter not in "ai")
    for pattern in (
        rf"(?i:option|choice|letter|answer)\s+{OPEN}([{letters}{letters.lower()}])\b",
        rf"\(?([{letters.replace('I', '')}])\b(?!['-])(?=\s+(?:because|since|as|is|which|for|with|due)\b)",
        rf"\(?([{letters.replace('A', '').replace('I', '')}{bare}])\b(?!['-])",
    ):
        if found := re.match(pattern, stated):
            return found[1].upper()
    return _named(stated, question) or _bracketed(stated, letters)


def _opens_with_not(stated: str, question: Question) -> str | None:
    """The letter of the choice that the statement opens with, if that choice itself begins with "not "."""
    stated, named = _folded(stated), {}
    for letter, choice in zip(labels(question), map(_folded, question.choices), strict=True):
        if choice.startswith("not ") and re.match(rf"{re.escape(choice)}(?!\w|[.,]\d)", stated):
            named[choice] = letter
    return named[max(named, key=len)] if named else None


def _named(text: str, question: Question) -> str | None:
    """The letter of the one choice whose text is there; where it is but a part of a longer choice, it is not."""
    text = _folded(text)
    named = []
    choices = zip(labels(question), map(_folded, question.choices), strict=True)
    for letter, choice in sorted(choices, key=lambda pair: -len(pair[1])):
        # Nothing may make it another word or number: neither "100", "-10" nor "10.5" names the choice "10".
        mention = rf"(?<![\w.-])(?<!\bnot )(?<!n't ){re.escape(choice)}(?!\w|[.,]\d)"
        text, count = re.subn(mention, "\n", text) if choice else (text, 0)
        if count:
            named.append(letter)
    return named[0] if len(named) == 1 else None


def _folded(text: str) -> str:
    return " ".join(answer_line.plain(text).lower().split()).strip(" .,;:!?\"'")


def _bracketed(text: str, letters: str) -> str | None:
    found = set(re.findall(rf"\(([{letters}])\)", text))
    return found.pop() if len(found) == 1 else None
