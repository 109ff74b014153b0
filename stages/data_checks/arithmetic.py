"""Worked solutions of word problems, computed again."""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from stages.data_checks.findings import Fault, Line
from stages.data_checks.rows import Gsm8kRow

CALCULATOR = re.compile(r"<<[^>]*>>")
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
EQUATION = re.compile(rf"((?:[(\d])[\d.,()+*/ -]*[\d)]) *= *({NUMBER.pattern})")
OPERATIONS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def check_arithmetic(lines: Sequence[Line[Gsm8kRow]]) -> Iterator[Fault]:
    for line in lines:
        working, _, answer = CALCULATOR.sub("", line.row.answer).replace("$", "").partition("\n#### ")
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
