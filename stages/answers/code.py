r"""A Python function, taken out of an output and put after the prompt that asked for it.

Strict: a fenced block that defines the function asked for (the first such, else the first block). Flexible: code
without a fence, from its first line for as far as it is Python. Either may be the whole function or its body alone.
Examples that follow at the top level (calls, ``print``, ``assert``) are dropped, as Chen et al. 2021 do by their stop
words ("\nif", "\nprint", "\nclass", "\ndef", "\n#"). Whether the program is right is for execution to say.
"""

import ast
import re
import textwrap
import warnings

from stages.answers.reading import UNREAD, Reading, flexible, strict
from stages.records.question import Question

READING = "pass@1"

FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n`]*\n(.*?)(?:^[ \t]*(?:```|~~~)|\Z)", re.MULTILINE | re.DOTALL)
CODE_LINE = re.compile(r"^(?:from\s+\S+\s+import\b|import\s+\w|(?:async\s+)?def\s+\w|class\s+\w|@\w)", re.MULTILINE)
KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
INDENT = "    "


def program(question: Question, text: str) -> str:
    """The prompt completed by what the model wrote, whole even where that is no Python: it fails when run."""
    code = read(text, question).value
    return question.question + (text if code is None else code)


def read(text: str, question: Question) -> Reading:
    """The completion: what follows the prompt in the program."""
    blocks = [textwrap.dedent(block) for block in FENCE.findall(text) if block.strip()]
    blocks.sort(key=lambda block: not _defines(block, question))  # stable: the first that defines it, else the first
    for block in blocks:
        if completion := _completion(block, question):
            return strict(completion)
    if not blocks and (completion := _completion(text, question)):
        return flexible(completion)
    return UNREAD


def _completion(code: str, question: Question) -> str | None:
    start = CODE_LINE.search(code)
    if start and _defines(code, question):
        definition = _parsing_prefix("", code[start.start() :])
        # Only as far as it parses: prose after it, or a cut-off end, may have taken the function with it.
        if definition and _defines(definition, question):
            return "\n\n" + _without_examples("", definition)
        return None
    # As it is, with the first line's indentation lost, or all of it: the one that gives the function most lines.
    bodies = [body.strip("\n") for body in (code, INDENT + code, textwrap.indent(code, INDENT))]
    completions = filter(None, (_parsing_prefix(question.question, body) for body in bodies))
    best = max(completions, key=lambda body: _length(question, body), default="")
    return _without_examples(question.question, best) if _length(question, best) > _length(question, "") else None


def _length(question: Question, completion: str) -> int:
    """The line on which the function asked for ends; 0 where the prompt alone is no Python yet."""
    try:
        nodes = _tree(question.question + completion).body
    except SyntaxError:
        return 0
    named = (
        node
        for node in nodes
        if isinstance(node, FUNCTIONS) and question.task and node.name == question.task.entry_point
    )
    return max((node.end_lineno or 0 for node in named), default=0)


def _defines(code: str, question: Question) -> bool:
    name = question.task.entry_point if question.task else ""
    return bool(re.search(rf"^(?:async\s+)?def\s+{re.escape(name)}\s*\(", code, re.MULTILINE))


def _parsing_prefix(before: str, code: str) -> str | None:
    """As many of the code's lines as make Python after ``before``."""
    lines = code.split("\n")
    offset = before.count("\n")
    count = len(lines)
    while count > 0:
        kept = "\n".join(lines[:count]).rstrip() + "\n"
        try:
            _tree(before + kept)
        except SyntaxError as error:
            # What is wrong in a line stays wrong however many lines after it are dropped.
            count = min(count - 1, (error.lineno or count) - 1 - offset)
        except (ValueError, RecursionError, MemoryError):  # a null character, or nested too deep
            return None
        else:
            return kept
    return None


def _tree(code: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\d" in a plain string, and the like
        return ast.parse(code)


def _without_examples(before: str, code: str) -> str:
    """The code without statements at the top level that do more than import, define or assign."""
    lines = code.split("\n")
    offset = before.count("\n")
    for node in reversed(_tree(before + code).body):
        if node.lineno > offset and not isinstance(node, KEPT):
            del lines[node.lineno - 1 - offset : (node.end_lineno or node.lineno) - offset]
    return "\n".join(lines)
