"""Where an answer is stated: the line ``Answer: X`` that prompts ask for, or a sentence that says as much."""

import re
from collections import deque
from collections.abc import Iterator

# Asterisks and underscores between words are emphasis; between digits or letters they are part of the answer.
EMPHASIS = re.compile(r"\*\*|(?<![\w*])[*_]+(?=\S)|(?<=\S)[*_]+(?![\w*])|`+|^#+\s+", re.MULTILINE)
LINE = re.compile(r"^[ \t>-]*answer[ \t]*:[ \t]*(?P<stated>.*)$", re.IGNORECASE)
PHRASE = re.compile(
    r"\b(?:answer|option|choice|solution)\b[^\n.:=]{0,40}?(?:(?:\bis\b|\bwas\b|\bbe\b)[ \t]*:?|[:=])[ \t]*",
    re.IGNORECASE,
)
# The prompt's own example, repeated ("Answer: X, where X is the letter of the right choice"), states nothing.
EXAMPLE = re.compile(r"[\"']?[XN][\"']?(?:\W*$|\W+where\b)")
# A dot ends no sentence after an initial ("J. S. Bach"), a choice's letter ("B. Paris") or a title.
SENTENCE_END = re.compile(r"(?:(?<=[^\W\d_]{2})(?<!\b(?:St|Mr|Ms|Dr|Mt|Ft|Jr|Sr|vs))|(?<=[\d%)]))[.!?](?:\s|$)|\n")


# Minus and dashes, curly quotes and apostrophes, the full-width colon.
TYPOGRAPHY = str.maketrans("\u2212\u2013\u2014\u2018\u2019\u201c\u201d\uff1a", "---''\"\":")


def plain(text: str) -> str:
    """The text without Markdown emphasis, code marks and headings, its typography in ASCII."""
    return EMPHASIS.sub("", text).translate(TYPOGRAPHY)


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
        rest = text[found.end() : found.end() + 300]
        end = SENTENCE_END.search(rest)
        stated = (rest[: end.start()] if end else rest).strip()
        if stated and not EXAMPLE.match(stated):
            yield stated
