"""Rows that are right, to be made wrong one at a time."""

from pathlib import Path

from stages.data_checks.choice_rows import MmluRow
from stages.data_checks.findings import Fault, Line
from stages.data_checks.rows import ConversationRow, Gsm8kRow, StrategyRow

PATH = Path("set.jsonl")


def lines(rows, path=PATH):
    return [Line(path, number, row) for number, row in enumerate(rows, start=1)]


def messages(faults):
    return [str(fault) for fault in faults]


def places(faults: list[Fault]):
    return [(fault.path, fault.line) for fault in faults]


def mmlu(question="Which planet has the shortest year?", choices=None, answer=1, subject="astronomy"):
    choices = choices or ["Venus", "Mercury", "Mars", "Earth"]
    return MmluRow(question=question, subject=subject, choices=choices, answer=answer)


def gsm8k(answer="Bought: 3 * 12 = 36\nLeft: 36 - 5 = 31\n#### 31", question="How many whole eggs has Ana?"):
    return Gsm8kRow(question=question, answer=answer)


def strategy(answer):
    fields = {"term": "Sloth", "description": "a slow animal", "question": "Could a sloth outrun a cheetah?"}
    return StrategyRow(qid="s", answer=answer, facts=["a", "b"], decomposition=["c", "d"], **fields)


def talk(*turns, source="advice"):
    return ConversationRow(conversations=list(turns), source=source)
