r"""A number, compared by its value.

Strict: the last line ``Answer: 29`` holds one number, whatever its dress (``$29.00``, ``1,000 apples``, ``-3``,
``50%``, ``3/4``, ``2 1/2``, ``10 000``, ``ten``). A reason given for it does not count ("18, since 18 / 2 = 9"), nor
does the side of an equation that is yet to be calculated ("42 = 6 * 7"). Flexible, in this order: the first number of
several on that line; a number after ``####`` or in ``\boxed{}``; the number in the last sentence that says "the answer
is …"; the last number in digits that does not number a step ("2. She then …"). A range, or two numbers joined by "or",
is no answer.
"""

import re
from fractions import Fraction

from stages.answers import answer_line
from stages.answers.answer_line import UNREAD, ReadAnswer, flexible, strict
from stages.records.question import Question

READING = "written"

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
UNITS += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = {word: value for value, word in enumerate(UNITS)} | {word: 10 * value for value, word in enumerate(TENS, 2)}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}

DIGITS = r"(?:\d{1,3}(?:[,\u00a0\u202f]\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
SIGN = r"(?<![\w).])-\s?"
NUMERAL = rf"(?:{SIGN})?[$€£]?(?:{SIGN})?(?<![A-Za-z\d.])(?:{DIGITS})(?:\s*/\s*\d+|\s+\d+\s*/\s*\d+)?"
WORD = rf"\b(?:{'|'.join([*WORDS, *SCALES])})\b"
IN_WORDS = rf"(?:\b(?:minus|negative)\s+)?{WORD}(?:(?:[\s-]+|\s+and\s+){WORD})*"
IN_DIGITS = rf"{NUMERAL}(?:\s+(?:{'|'.join(SCALES)})\b)?"
NUMBER = re.compile(rf"{IN_DIGITS}|{IN_WORDS}", re.IGNORECASE)
DIGITS_ONLY = re.compile(IN_DIGITS, re.IGNORECASE)
BETWEEN = r"[^\d,;]{0,25}?\s?(?:\bor\b|\bto\b|-)\s?[^\d,;]{0,5}"
# "1. She counts", "Step 2: she adds", "- 3,000 a month": what opens an item is no number, nor a minus.
STEP = re.compile(r"^[ \t>]*(?:[*-][ \t]+)?(?:(?:step[ \t]+\d+\b[.:]?|\d+[.)])[ \t]+(?=\S))?", re.I | re.M)
# "10 000", but neither the year in "2020 100 men" nor the mixed number "2 100/3" nor "3 100-gram bars".
SPACED = re.compile(r"(?<![\d.,/])[1-9]\d{0,2}(?: \d{3})+(?![\d/]|,\d|-[A-Za-z])")
REASON = r"(?:since|because|as|for|where|when|if|after|given|being)\b"
CLAUSE = re.compile(rf"[;,](?=\s)|[.!?]\s+|\s+-\s+(?=[A-Za-z])|\s(?={REASON}|(?:so|which)\b)", re.IGNORECASE)
ASIDE = re.compile(r"(?<=[\w%.])\s*\([^()]*[A-Za-z]{2}[^()]*\)")  # "15 (the difference between 20 and 5)"
OPERATOR = re.compile(
    r"(?<=[\w)])\s*[*+\u00d7\u00f7^]\s*[\w$(\\-]|\\cdot|(?<=\S)\s-\s|\d-\d"
    r"|\b(?:times|plus|divided|multiplied)\b|\d\s*x\s*\d|\d\s+minus\b",
    re.IGNORECASE,
)
DIVISION = re.compile(r"/\s*\d")
LONGEST = 30  # digits; a model that repeats itself may write thousands, which answer nothing


def score(value: str | None, question: Question) -> float:
    return float(value is not None and value == _canonical(question.answer))


def read(text: str, question: Question) -> ReadAnswer:
    text = _without_latex(answer_line.before_next_question(text, question.question))
    stated = answer_line.last(text)
    if stated is not None:
        return _from_statement(stated)
    if marked := re.findall(r"(?:####|\\boxed\{)\s*([^\n}]+)", text):
        return flexible(_from_statement(marked[-1]).value)
    for phrase in answer_line.phrases(text):
        if _numbers(phrase):
            return flexible(_from_statement(phrase).value)
    numbers = _numbers(STEP.sub("", answer_line.plain(text)), DIGITS_ONLY)
    return flexible(numbers[-1] if numbers else None)


def _without_latex(text: str) -> str:
    text = re.sub(r"\\d?frac\{([^{}]+)\}\{([^{}]+)\}", r"\1/\2", text)
    text = re.sub(r"\\[,!;:]", "", text.replace("{,}", ",").replace("\\$", "$").replace("\\%", "%"))
    return SPACED.sub(lambda found: found[0].replace(" ", ""), text)


def _from_statement(stated: str) -> ReadAnswer:
    """The number of the first clause that has one; of clauses that give a reason, only where no other has one."""
    clauses = [clause for clause in CLAUSE.split(ASIDE.sub(" ", stated)) if _numbers(clause)]
    clauses = [clause for clause in clauses if not re.match(rf"\W*{REASON}", clause, re.IGNORECASE)] or clauses
    for clause in clauses:
        if "=" not in clause and _is_range(clause):
            return UNREAD
        if numbers := _of_clause(clause):
            alone = len(clauses) == 1 and len(set(numbers)) == 1
            return strict(numbers[0]) if alone else flexible(numbers[0])
    return UNREAD


def _of_clause(clause: str) -> list[str]:
    """Its numbers; of an equation those of the last side that is not a calculation; none of a calculation alone."""
    if "=" in clause and re.search(r"\bor\b", clause, re.IGNORECASE):
        return []
    values = [side for side in clause.split("=") if _numbers(side) and not OPERATOR.search(side)]
    values = [side for side in values if not DIVISION.search(side)] or values
    return _numbers(values[-1]) if values and not _is_range(values[-1]) else []


def _is_range(stated: str) -> bool:
    if re.search(r"\bbetween\b", stated, re.IGNORECASE):
        return True
    found = NUMBER.search(stated)
    return bool(found and re.match(rf"{BETWEEN}(?:{NUMBER.pattern})", stated[found.end() :], re.IGNORECASE))


def _numbers(text: str, pattern: re.Pattern[str] = NUMBER) -> list[str]:
    found = (_canonical(match[0]) for match in pattern.finditer(text))
    return [value for value in found if value is not None]


def _canonical(written: str) -> str | None:
    """One spelling for each value: ``29`` for "$29.00", ``3/4`` for "0.75"; None for what has no value."""
    text = " ".join(re.sub(r"[$€£,\u00a0\u202f]", "", written.lower()).split())
    size = re.sub(r"^(?:-|minus|negative)\s*", "", text)
    if sum(map(str.isdigit, size)) > LONGEST:
        return None
    value = _in_digits(size) if size[:1].isdigit() or size.startswith(".") else _in_words(size)
    if value is None:
        return None
    return str(-value if text.startswith(("-", "minus ", "negative ")) else value)


def _in_digits(text: str) -> Fraction | None:
    """A decimal, a fraction ("3/4"), a mixed number ("2 1/2") or a scaled one ("1.5 million")."""
    found = re.fullmatch(r"(?:([\d.]+)\s)?\s*([\d.]+)\s*/\s*(\d+)|([\d.]+)\s*([a-z]*)", text)
    if found is None:
        return None
    whole, numerator, denominator, decimal, scale = found.groups()
    if decimal is not None:
        return Fraction(decimal) * SCALES.get(scale, 1)
    if int(denominator) == 0:
        return None
    return Fraction(whole or 0) + Fraction(numerator) / int(denominator)


def _in_words(text: str) -> Fraction:
    total = current = 0
    for word in re.split(r"[\s-]+", text):
        if word in WORDS:
            current += WORDS[word]
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word in SCALES:
            total += max(current, 1) * SCALES[word]
            current = 0
    return Fraction(total + current)
