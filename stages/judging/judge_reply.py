"""What a judge's reply says: A, B, a tie, or nothing that could be read."""

import re
from typing import Literal, cast

Verdict = Literal["A", "B", "tie"]

STRICT = re.compile(r"\W*(A|B|tie)\W*", re.IGNORECASE)

THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)|^.*</think>", re.DOTALL)
"""What a reasoning model writes before it replies; thoughts that were cut off leave no reply."""

# Outside the strict reading, the letters count in upper case alone: "a" is a word.
LETTER = r"\b([AB])\b"
EITHER = r"\b([AB]|(?i:tie))\b"
ANSWER = r"(?i:the\s+)?(?i:answer|response|option)?\W*"
ALONE = rf"(?!\W*(?:(?i:and|or|nor|vs)\W+)?{ANSWER}{EITHER.replace('(', '(?:', 1)})"
"""No second verdict follows, as it does where the reply repeats "A, B or tie"."""
GOOD = r"(?i:better|best|preferable|superior|stronger|clearer|(?:more|most)\ (?:helpful|correct|clear|useful|accurate))"

FLEXIBLE = [
    # [[A]]
    rf"\[\[{EITHER}\]\]",
    # "Verdict: A", "The winner is answer A", {"verdict": "A"}
    rf"(?i:\b(?:verdict|winner|choice|preference)\b)\W*(?i:is\W+)?{ANSWER}{EITHER}{ALONE}",
    # "The better answer is A"
    rf"(?i:\b(?:better|best)\ (?:answer|response|option|one)\b)\W*(?i:is\W+)?{ANSWER}{EITHER}{ALONE}",
    # "Answer A", "A. It is …", "**A**: …", where the reply begins; "<answer A>" only echoes what was shown
    rf"^[^\w<]*{ANSWER}{EITHER}(?=\W*$|\W*[.,:;!\n]){ALONE}",
    # "A is better", "answer B was slightly more helpful", "B wins"
    rf"{LETTER}\ (?i:wins|(?:is|was)\ (?:(?:the|much|far|clearly|slightly)\ )*{GOOD})",
    # "It is a tie"
    r"(?<!not\ )(?<!n't\ )(?i:\ba\ (tie)\b)",
    # "Both answers are equally good"
    r"(?i:\bboth\b[^.]*\b(equally)\b)",
]


def read_verdict(reply: str) -> Verdict | None:
    """Strictly first: the one word that was asked for. Then by phrases that name one verdict, and no other.

    A reply that names several, or none, is None: it is counted as unparsed and never guessed.
    """
    text = THOUGHTS.sub("", reply).strip()
    if match := STRICT.fullmatch(text):
        return _verdict(match[1])
    named = {_verdict(found) for pattern in FLEXIBLE for found in re.findall(pattern, text)}
    return named.pop() if len(named) == 1 else None


def _verdict(word: str) -> Verdict:
    return cast(Verdict, word.upper()) if word.upper() in {"A", "B"} else "tie"
