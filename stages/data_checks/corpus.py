"""The bundled corpus: how long its answers are, how many conversations go on, whether its code is Python."""

import re
import statistics
from collections.abc import Iterator, Sequence

from stages.data_checks.findings import Fault, Line
from stages.data_checks.rows import ConversationRow

FEWEST_WORDS, MOST_WORDS = 60, 350
FEWEST_OF_SEVERAL_TURNS = 20
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def check_conversations(lines: Sequence[Line[ConversationRow]]) -> Iterator[Fault]:
    for line in lines:
        words = len(line.row.answers[0].split())
        if not FEWEST_WORDS <= words <= MOST_WORDS:
            yield line.fault(f"the first answer has {words} words, expected {FEWEST_WORDS} to {MOST_WORDS}")
        for turn in line.row.conversations:
            yield from (line.fault(fault) for fault in faults_of_code(turn))
    several = sum(len(line.row.conversations) > 2 for line in lines)
    if lines and several < FEWEST_OF_SEVERAL_TURNS:
        yield Fault(
            lines[0].path, None, f"expected at least {FEWEST_OF_SEVERAL_TURNS} items of several turns, found {several}"
        )


def faults_of_code(text: str) -> Iterator[str]:
    """Code blocks left open, and Python blocks that do not compile; nothing is run."""
    if text.count("```") % 2:
        yield "a code block is left open"
    for block in PYTHON_BLOCK.findall(text):
        try:
            compile(block, "block", "exec")
        except SyntaxError as error:
            yield f"a Python block does not compile: {error.msg}, its line {error.lineno}"


def measure_conversations(rows: Sequence[ConversationRow]) -> str:
    words = sorted(len(answer.split()) for row in rows for answer in row.answers)
    blocks = sum(len(PYTHON_BLOCK.findall(turn)) for row in rows for turn in row.conversations)
    several = sum(len(row.conversations) > 2 for row in rows)
    return (
        f"{several} of several turns, answers of {words[0]} to {words[-1]} words (median {statistics.median(words):g})"
        f", {blocks} Python blocks"
    )
