"""Fenced blocks of code in Markdown, as models write them: left open, or opened at the end of a sentence."""

import ast
import re
import textwrap
import warnings
from collections import deque
from contextlib import suppress
from itertools import islice, pairwise

# "```python", also after text on the same line ("Here it is: ```python").
OPENING = re.compile(r"(?:(?!```|~~~).|```[^`]+```)*(?P<mark>```|~~~)[`~]*[ \t]*(?P<language>[\w+#.-]*)[ \t]*")
# A line that begins with a fence, or code with one at its end ("return x```").
CLOSING = re.compile(r"[ \t]*(?P<mark>```|~~~).*|(?P<code>(?:(?!```|~~~).)*\S)[ \t]*(?P<end>```|~~~)[ \t]*")
MOST_CLOSINGS = 9  # fences looked at for one block


def tree(code: str) -> ast.Module:
    """The code's syntax tree.

    Raises:
        SyntaxError: It is no Python.
        ValueError, RecursionError, MemoryError: It holds a null character, or is nested too deep.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\d" in a plain string, and the like
        return ast.parse(code)


def blocks(text: str) -> list[str]:
    """The code of each block that is not empty, without common indentation; the last may lack its closing fence."""
    lines = text.split("\n")
    found = []
    fences = deque(_fences(lines))
    while fences:
        start = fences.popleft() + 1
        opening = OPENING.fullmatch(lines[start - 1])
        if not opening:
            continue
        end = _end(lines, start, list(islice(fences, MOST_CLOSINGS)), opening["mark"])
        closing = CLOSING.fullmatch(lines[end]) if end < len(lines) else None
        code = lines[start:end] + ([closing["code"]] if closing and closing["code"] else [])
        if "".join(code).strip():
            found.append(textwrap.dedent("\n".join(code)))
        # "```python" both closes a block that was left open and opens the next.
        another = OPENING.fullmatch(lines[end]) if end < len(lines) else None
        next_start = end if another and another["language"] else end + 1
        while fences and fences[0] < next_start:
            fences.popleft()
    return found


def _fences(lines: list[str]) -> list[int]:
    return [place for place, line in enumerate(lines) if OPENING.fullmatch(line) or CLOSING.fullmatch(line)]


def _end(lines: list[str], start: int, fences: list[int], mark: str) -> int:
    """The line that closes a block: the first fence before which the code is Python, since docstrings may hold fences.

    If there is no such fence it is the first one.
    """
    found = [(place, CLOSING.fullmatch(lines[place])) for place in fences]
    closings = [place for place, closing in found if closing and mark in (closing["mark"], closing["end"])]
    for place in [*closings, len(lines)] if len(closings) < MOST_CLOSINGS else closings:
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            tree(textwrap.dedent("\n".join(lines[start:place])))
            return place
    return closings[0] if closings else len(lines)


def parts(text: str) -> list[str]:
    """What stands before, between and after the lines that are fences, whichever of them open or close."""
    lines = text.split("\n")
    places = [-1, *_fences(lines), len(lines)]
    return ["\n".join(lines[start + 1 : end]) for start, end in pairwise(places)]


def closes_first(text: str) -> bool:
    """Whether the first fence is bare and follows other text, as one does that closes what was never opened."""
    lines = text.split("\n")
    first = next(iter(_fences(lines)), 0)
    return lines[first].strip() in ("```", "~~~") and bool("".join(lines[:first]).strip())
