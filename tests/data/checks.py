"""Checks of bundled questions and conversations; each yields its faults, with file and line where it is one row's."""

import ast
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import numpy as np
from scipy.sparse import triu
from sklearn.feature_extraction.text import TfidfVectorizer

from tests.data.rows import BundledRow, ChoiceRow, ConversationRow, Gsm8kRow, HotpotRow, Line, StrategyRow

ENOUGH = 50  # sets with fewer rows (the shots) say nothing about guessing
MARGIN = 0.05  # how far a share may stray from chance
SIMILARITY = 0.7
WORD = re.compile(r"\w+")

# Worked solutions.
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
EQUATION = re.compile(rf"((?:[(\d])[\d.,()+*/ -]*[\d)]) *= *({NUMBER.pattern})")
OPERATIONS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

# Choices.
ONE_NUMBER = re.compile(r"(?<![\w^])-?\d[\d,]*(?:\.\d+)?(?:/\d+)?")
NEGATION = re.compile(r"(?:no|none|not|nothing|nobody|never|neither|nowhere|there (?:is|are) no)\b", re.IGNORECASE)
VERDICT = re.compile(r"(?:Is|Are|Was|Were|Do|Does|Did|Can|Could|Has|Have|Would|Will|Should) ")
SMALL_WORDS = frozenset("a an and are as at by for from in is it its of on or that the they to was with".split())  # noqa: SIM905

# The corpus.
ANSWER_WORDS, LONG_ANSWER = (30, 1000), 400
LONG_ANSWERS = (0.1, 0.25)
SEVERAL_TURNS = 20
TAUGHT = 0.45  # a question that a conversation answered outright had 0.48, the nearest other one 0.38
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def check_repeats(lines: Sequence[Line], what: str, value: Callable[[object], str | None]) -> Iterator[str]:
    """Rows with the same value, but for letter case and layout; a row without one repeats none."""
    first: dict[str, Line] = {}
    for line in lines:
        found = value(line.row)
        if found is None:
            continue
        other = first.setdefault(" ".join(found.lower().split()), line)
        if other is not line:
            yield line.fault(f"the same {what} as in {other.path}, line {other.number}")


def check_near_duplicates(lines: Sequence[Line], text: Callable[[object], str]) -> Iterator[str]:
    """Texts whose TF-IDF vectors of words and pairs of words have a cosine of :data:`SIMILARITY` or more."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform([text(line.row) for line in lines])
    cosines = triu(vectors @ vectors.T, k=1).tocoo()
    for place in np.flatnonzero(cosines.data >= SIMILARITY):
        first, second = lines[cosines.row[place]], lines[cosines.col[place]]
        yield second.fault(f"nearly the same as {first.path}, line {first.number} (cosine {cosines.data[place]:.2f})")


def check_keys(lines: Sequence[Line[ChoiceRow]]) -> Iterator[str]:
    """Each letter is right about equally often, so that guessing the first choice, say, gains nothing."""
    counts = Counter(line.row.right for line in lines)
    letters = "ABCDE"[: len(lines[0].row.offered)]
    for place, letter in enumerate(letters):
        if abs(counts[place] / len(lines) - 1 / len(letters)) > MARGIN:
            yield f"{lines[0].path}: {letter} is right in {counts[place]} of {len(lines)} rows: move right choices"


def check_lengths(lines: Sequence[Line[ChoiceRow]]) -> Iterator[str]:
    """Someone who takes the longest choice, or the shortest, is right about as often as by chance."""
    chance = np.mean([1 / len(line.row.offered) for line in lines])
    for name, extreme in (("longest", max), ("shortest", min)):
        shares = []
        for line in lines:
            lengths = [len(choice) for choice in line.row.offered]
            taken = [place for place, length in enumerate(lengths) if length == extreme(lengths)]
            shares.append((line.row.right in taken) / len(taken))
        if abs(np.mean(shares) - chance) > MARGIN:
            yield f"{lines[0].path}: the {name} choice is right in {np.mean(shares):.1%}, by chance {chance:.1%}"


def rank_of_key(row: ChoiceRow) -> int | None:
    """Where the right number stands among the choices in order of size, from 1.

    None where the choices are not numbers that differ, within the same words.
    """
    found = [ONE_NUMBER.findall(choice) for choice in row.offered]
    around = {ONE_NUMBER.sub("#", choice) for choice in row.offered}
    if len(around) > 1 or any(len(numbers) != 1 for numbers in found):
        return None
    values = [number(numbers[0]) for numbers in found]
    return sorted(values).index(values[row.right]) + 1 if len(set(values)) == len(values) else None


def check_ranks(lines: Sequence[Line[ChoiceRow]]) -> Iterator[str]:
    """The right number is the smallest, second, third and largest about equally often, where there are four."""
    ranks = Counter(rank_of_key(line.row) for line in lines if len(line.row.offered) == 4)
    del ranks[None]
    if ranks.total() < ENOUGH:
        return
    for rank in range(1, 5):
        if abs(ranks[rank] / ranks.total() - 1 / 4) > MARGIN:
            yield f"{lines[0].path}: the right number has rank {rank} of 4 in {ranks[rank]} of {ranks.total()} rows"


def check_negation(lines: Sequence[Line[ChoiceRow]]) -> Iterator[str]:
    """Someone who takes a choice that opens with no, none, not, … where there is one, gains at most the margin."""
    chances, shares = [], []
    for line in lines:
        taken = [place for place, choice in enumerate(line.row.offered) if NEGATION.match(choice)]
        chances.append(1 / len(line.row.offered))
        shares.append((line.row.right in taken) / len(taken) if taken else chances[-1])
    if abs(np.mean(shares) - np.mean(chances)) > MARGIN:
        yield f"{lines[0].path}: a choice with no, none, not … is right in {np.mean(shares):.1%}: reword choices"


def check_nested(lines: Sequence[Line[ChoiceRow]]) -> Iterator[str]:
    """No wrong choice says what another wrong one says with words left out: both would be right or neither."""
    for line in lines:
        wrong = [choice for place, choice in enumerate(line.row.offered) if place != line.row.right]
        said = [set(WORD.findall(choice.lower())) - SMALL_WORDS for choice in wrong]
        for one, words in zip(wrong, said, strict=True):
            for other, more in zip(wrong, said, strict=True):
                if words and words < more:
                    yield line.fault(f"the wrong choice {one!r} is nested in {other!r}")


def check_decompositions(lines: Sequence[Line[StrategyRow]]) -> Iterator[str]:
    """The last step asks for yes or no, so that the key is its answer."""
    for line in lines:
        if not VERDICT.match(line.row.decomposition[-1]):
            yield line.fault(f"{line.row.decomposition[-1]!r}: expected a last step that asks for yes or no")


def check_arithmetic(lines: Sequence[Line[Gsm8kRow]]) -> Iterator[str]:
    """Each equation of a solution holds, and the result stands in its last step."""
    for line in lines:
        working, _, answer = line.row.answer.replace("$", "").partition("\n#### ")
        for left, right in EQUATION.findall(working):
            found = compute(left)
            if found is not None and found != number(right):
                yield line.fault(f"{left} is {float(found):g}, not {right}")
        if number(answer) not in {number(found) for found in NUMBER.findall(working.rsplit("\n", 1)[-1])}:
            yield line.fault(f"the answer {answer} is not in the last step of the solution")


def number(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


def compute(expression: str) -> Fraction | None:
    """The exact value; None where it is no expression or divides by zero."""
    try:
        return _value(ast.parse(expression.replace(",", "").strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        return OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError(ast.dump(node))


def check_conversations(lines: Sequence[Line[ConversationRow]]) -> Iterator[str]:
    """Lengths of answers, conversations of several turns, and code blocks; no code is run."""
    long = 0
    for line in lines:
        words = len(line.row.conversations[1].split())
        long += words >= LONG_ANSWER
        if not ANSWER_WORDS[0] <= words <= ANSWER_WORDS[1]:
            yield line.fault(f"the first answer has {words} words, expected {ANSWER_WORDS[0]} to {ANSWER_WORDS[1]}")
        for turn in line.row.conversations:
            yield from (line.fault(fault) for fault in faults_of_code(turn))
    if not LONG_ANSWERS[0] <= long / len(lines) <= LONG_ANSWERS[1]:
        yield f"{lines[0].path}: {long} first answers have {LONG_ANSWER} words or more, expected 10% to 25%"
    several = sum(len(line.row.conversations) > 2 for line in lines)
    if several < SEVERAL_TURNS:
        yield f"{lines[0].path}: expected at least {SEVERAL_TURNS} items of several turns, found {several}"


def check_taught(lines: Sequence[Line], corpus: Sequence[Line[ConversationRow]]) -> Iterator[str]:
    """Questions with their right answer whose TF-IDF vectors have a cosine of :data:`TAUGHT` with a conversation's."""
    asked, told = [f"{line.row.asked} {_right(line.row)}" for line in lines], [line.row.said for line in corpus]
    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True).fit([*asked, *told])
    cosines = (vectorizer.transform(asked) @ vectorizer.transform(told).T).toarray()
    for line, near in zip(lines, cosines, strict=True):
        if near.max() >= TAUGHT:
            yield line.fault(f"answered in {corpus[near.argmax()].path}, line {corpus[near.argmax()].number}")


def _right(row: BundledRow) -> str:
    if isinstance(row, ChoiceRow):
        return row.offered[row.right]
    if isinstance(row, StrategyRow):
        return " ".join(row.facts)
    return row.answer if isinstance(row, HotpotRow) else ""


def faults_of_code(text: str) -> Iterator[str]:
    """Code blocks left open, and Python blocks that do not compile."""
    if text.count("```") % 2:
        yield "a code block is left open"
    for block in PYTHON_BLOCK.findall(text):
        try:
            compile(block, "block", "exec")
        except SyntaxError as error:
            yield f"a Python block does not compile: {error.msg}, its line {error.lineno}"
