"""Where an answer is stated: the line ``Answer: X`` that prompts ask for, or a sentence that says as much."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ReadAnswer:
    """An answer as read.

    Attributes:
        value: The answer in the form in which it is compared; None where none could be read.
        pattern: ``strict`` where the answer was given as the prompt asks, ``flexible`` where it was found otherwise.
    """

    value: str | None
    pattern: Literal["strict", "flexible"] | None


UNREAD = ReadAnswer(None, None)


def strict(value: str) -> ReadAnswer:
    return ReadAnswer(value, "strict")


def flexible(value: str | None) -> ReadAnswer:
    return UNREAD if value is None else ReadAnswer(value, "flexible")


# Asterisks and underscores between words are emphasis; between digits or letters they are part of the answer.
EMPHASIS = re.compile(r"\*\*|(?<![\w*])[*_]+(?=\S)|(?<=\S)[*_]+(?![\w*])|`+|^#+\s+", re.MULTILINE)
LATEX_COMMAND = re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf)\{([^{}]*)\}")
LATEX_DELIMITERS = re.compile(r"\\\(\s*(.{0,200}?)\s*\\\)|\\\[\s*(.{0,200}?)\s*\\\]", re.DOTALL)
LINE = re.compile(r"^[ \t>-]*answer[ \t]*:[ \t]*(?P<stated>.*)$", re.IGNORECASE)
PHRASE = re.compile(
    r"\b(?:answer|option|choice|solution)\b[^\n.:=]{0,40}?(?:(?:\bis\b|\bwas\b|\bbe\b)[ \t]*:?|[:=])[ \t]*",
    re.IGNORECASE,
)
# The prompt's own example, repeated ("Answer: X, where X is the letter of the right choice"), states nothing.
EXAMPLE = re.compile(r"[\"']?[XN][\"']?(?:\W*$|\W+where\b)")
# A dot ends no sentence after an initial ("J. S. Bach"), a choice's letter ("B. Paris") or a title.
SENTENCE_END = re.compile(r"(?:(?<=[^\W\d_]{2})(?<!\b(?:St|Mr|Ms|Dr|Mt|Ft|Jr|Sr|vs))|(?<=[\d%)]))[.!?](?:\s|$)|\n")
# Base models go on with another question once they have answered: "### Question: …", "Q: …", "User: …".
ASKER = r"(?:(?:next|new|another)\s+)?(?:question|q|user|human|instruction)\s*\d*"
NEXT_QUESTION = re.compile(rf"[\W_]*{ASKER}[\W_]*:(?P<asked>.*)|\s*#+\s*{ASKER}\W*", re.IGNORECASE)
ANSWERED = re.compile(rf"####\s*\S|\\boxed\{{|{PHRASE.pattern}\S", re.IGNORECASE)
RESTATED = 30  # characters of the question that, asked again, are no other question

# Minus and dashes, curly quotes and apostrophes, the full-width colon.
TYPOGRAPHY = str.maketrans("\u2212\u2013\u2014\u2018\u2019\u201c\u201d\uff1a", "---''\"\":")


def plain(text: str) -> str:
    """The text without Markdown emphasis, code marks, headings and LaTeX dress, its typography in ASCII."""
    text = LATEX_COMMAND.sub(r"\1", LATEX_COMMAND.sub(r"\1", text))  # twice, for \boxed{\text{B}}
    text = LATEX_DELIMITERS.sub(r"\1\2", text)
    return EMPHASIS.sub("", text).translate(TYPOGRAPHY)


def before_next_question(text: str, question: str) -> str:
    """The text up to where the model invents another question; all of it where it does not.

    A header such as ``Question:`` opens another question once an answer has been stated. Before that it does so only
    at the head of a paragraph, and only if it does not repeat the question that was asked.
    """
    lines = text.splitlines(keepends=True)
    answered = expected = False
    for index, line in enumerate(lines):
        if (header := NEXT_QUESTION.fullmatch(line.rstrip())) and (
            answered
            or (
                index > 0
                and not lines[index - 1].strip()
                and any(before.strip() for before in lines[:index])
                and not _restates([header["asked"] or "", *lines[index + 1 : index + 4]], question)
            )
        ):
            return "".join(lines[:index])
        stated = LINE.match(plain(line).rstrip("\r\n"))
        said = stated["stated"].strip() if stated else line.strip() if expected else ""
        answered = answered or bool((said and not EXAMPLE.match(said)) or ANSWERED.search(line))
        expected = bool(stated and not said) or (expected and not line.strip())
    return text


def _restates(asked: list[str], question: str) -> bool:
    first = next((line for line in asked if line.strip(" \t\r\n*_#\"'")), "")
    opening, original = (" ".join(re.findall(r"\w+", each.lower()))[:RESTATED] for each in (first, question))
    return bool(opening) and (original.startswith(opening) or opening.startswith(original))


def last(text: str) -> str | None:
    """What stands after ``Answer:`` on the last line that opens so, or on the line below if that one is bare.

    None without such a line. An answer that a model revises is its last; a bare ``Answer:`` at the very end, where
    an output was cut off, revises nothing, nor does the prompt's example.
    """
    lines = plain(text).splitlines()
    for index in range(len(lines) - 1, -1, -1):
        if found := LINE.match(lines[index]):
            following = (line.strip() for line in [found["stated"], *lines[index + 1 :]])
            stated = next(filter(None, following), None)
            if stated and not EXAMPLE.match(stated):
                return stated
    return None


def phrases(text: str) -> Iterator[str]:
    """What follows ``the answer is`` and its like, to the end of the sentence; the last such phrase first.

    A model that repeats itself may say so thousands of times: the last ten count, each to 300 characters.
    """
    text = plain(text)
    for found in reversed(deque(PHRASE.finditer(text), maxlen=10)):
        stated = sentence(text[found.end() : found.end() + 300])
        if stated and not EXAMPLE.match(stated):
            yield stated


def sentence(text: str) -> str:
    """The first sentence, without its full stop."""
    end = SENTENCE_END.search(text)
    return (text[: end.start()] if end else text).strip()
