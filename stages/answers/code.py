r"""A Python function, taken out of an output and put after the prompt that asked for it.

Strict: a fenced block that holds the function asked for, or its body alone. Flexible: code without a fence, for as far
as it is Python. The first that does more than repeat the prompt counts. Set-up before the function is kept (imports,
constants, tables), and so is what other blocks define that the function needs. Examples at the top level (calls,
``print``, ``assert``) are dropped, as Chen et al. 2021 do by their stop words ("\nif", "\nprint", "\nclass", "\ndef",
"\n#"). Whether the program is right is for execution to say.
"""

import ast
import builtins
import re
import textwrap
from collections.abc import Callable

from stages.answers import fences
from stages.answers.answer_line import UNREAD, ReadAnswer, flexible, strict
from stages.records.question import Question

READING = "pass@1"

# Where code may begin in a text without fences.
CODE_LINE = re.compile(
    r"^(?:from\s+\S+\s+import\b|import\s+\w|(?:async\s+)?def\s+\w|class\s+\w|@\w|[A-Za-z_]\w*[ \t]*(?::[^=\n]+)?=[^=]"
    r"|(?:for|while|if|try|with)\b.*:[ \t]*$)",
    re.MULTILINE,
)
MOST_STARTS = 50
FUTURE = re.compile(r"^from __future__ import .*\n?", re.MULTILINE)
KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
EXAMPLE_NAMES = {"print", "input", "__name__"}
INDENT = "    "


def program(question: Question, text: str) -> str:
    """The prompt completed by what the model wrote, whole even where that is no Python: it fails when run."""
    code = read(text, question).value
    if code is None:
        return question.question + text
    # Python takes imports from __future__ at the head of a program alone.
    return "".join(FUTURE.findall(code)) + question.question + FUTURE.sub("", code)


def read(text: str, question: Question) -> ReadAnswer:
    """The completion: what follows the prompt in the program."""
    blocks, parts = fences.blocks(text), fences.parts(text)
    whole = [strict(_with_missing(code, blocks, question)) for code in _each(_whole, blocks, question)]
    whole += [flexible(code) for code in _each(_whole, [text, *parts], question)]
    bodies = [strict(code) for code in _each(_body, blocks, question)]
    if not blocks or fences.closes_first(text):
        bodies += [flexible(code) for code in _each(_body, parts[:1], question)]
    solving = [reading for reading in whole if not _is_stub(reading.value or "", question)]
    returning = [reading for reading in bodies if "return" in (reading.value or "")]
    return next(iter([*solving, *returning, *whole, *bodies]), UNREAD)


def _each(find: Callable[[str, Question], str | None], pieces: list[str], question: Question) -> list[str]:
    return [code for piece in pieces if (code := find(piece, question))]


def _whole(code: str, question: Question) -> str | None:
    """The completion by code that has the whole function."""
    definition = _definition(code, question)
    if definition is None:
        return None
    starts = [found.start() for found in CODE_LINE.finditer(code, 0, definition)]
    for start in [0, *starts[:MOST_STARTS], definition]:
        kept = _parsing_prefix("", code[start:])
        # Only as far as it parses: prose after it, or a cut-off end, may have taken the function with it.
        if kept and _definition(kept, question) is not None:
            return "\n\n" + _without_examples("", kept, question)
    return None


def _body(code: str, question: Question) -> str | None:
    """The completion by code that has the function's body alone."""
    if _definition(code, question) is not None:
        return None
    # As it is, with the first line's indentation lost, or all of it: the one that gives the function most lines.
    bodies = [body.strip("\n") for body in (code, INDENT + code, textwrap.indent(code, INDENT))]
    completions = filter(None, (_parsing_prefix(question.question, body) for body in bodies))
    best = max(completions, key=lambda body: _length(question, body), default="")
    if _length(question, best) <= _length(question, ""):
        return None
    return _without_examples(question.question, best, question)


def _name(question: Question) -> str:
    return question.task.entry_point if question.task else ""


def _definition(code: str, question: Question) -> int | None:
    """Where the definition of the function asked for starts."""
    found = re.search(rf"^(?:async\s+)?def\s+{re.escape(_name(question))}\s*\(", code, re.MULTILINE)
    return found.start() if found else None


def _function(nodes: list[ast.stmt], question: Question) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The last definition of the function asked for."""
    found = [node for node in nodes if isinstance(node, FUNCTIONS) and node.name == _name(question)]
    return found[-1] if found else None


def _length(question: Question, completion: str) -> int:
    """The line on which the function asked for ends; 0 where the prompt alone is no Python yet."""
    try:
        function = _function(fences.tree(question.question + completion).body, question)
    except SyntaxError:
        return 0
    return (function.end_lineno or 0) if function else 0


def _is_stub(code: str, question: Question) -> bool:
    """Whether the function does nothing: a docstring, ``pass``, ``...``, ``raise NotImplementedError``."""
    function = _function(fences.tree(code).body, question)
    return function is not None and all(
        isinstance(node, ast.Pass | ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.unparse(node.exc))
        for node in function.body
    )


def _parsing_prefix(before: str, code: str) -> str | None:
    """As many of the code's lines as make Python after ``before``."""
    lines = code.split("\n")
    count = len(lines)
    while count > 0:
        kept = "\n".join(lines[:count]).rstrip() + "\n"
        try:
            fences.tree(before + kept)
        except SyntaxError as error:
            # What is wrong in a line stays wrong however many lines after it are dropped.
            count = min(count - 1, (error.lineno or count) - 1 - before.count("\n"))
        except (ValueError, RecursionError, MemoryError):  # a null character, or nested too deep
            return None
        else:
            return kept
    return None


def _without_examples(before: str, code: str, question: Question) -> str:
    """The code without statements at the top level that set nothing up for the function."""
    lines = code.split("\n")
    offset = before.count("\n")
    nodes = fences.tree(before + code).body
    function = _function(nodes, question)
    for node in reversed(nodes):
        precedes = function is not None and node.lineno < function.lineno
        if node.lineno > offset and not isinstance(node, KEPT) and not (precedes and _sets_up(node, question)):
            del lines[node.lineno - 1 - offset : (node.end_lineno or node.lineno) - offset]
    return "\n".join(lines)


def _sets_up(node: ast.stmt, question: Question) -> bool:
    """Whether it may matter to the function: a loop that fills a table, ``sys.setrecursionlimit(…)``."""
    likely = not isinstance(node, ast.Assert)
    if isinstance(node, ast.Expr):
        likely = isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute)
    return likely and _used(node).isdisjoint(EXAMPLE_NAMES | {_name(question)})


def _used(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _with_missing(code: str, blocks: list[str], question: Question) -> str:
    """The code after what other blocks define of the names that it needs: imports, constants, helpers."""
    statements = [
        (node, text)
        for text in filter(None, (_parsing_prefix("", block) for block in blocks))
        for node in fences.tree(text).body
        if isinstance(node, KEPT) and _binds(node) != {_name(question)}
    ]
    prompt = _parsing_prefix("", question.question) or ""
    known = {*dir(builtins), *_bound(prompt), _name(question)}
    while missing := _used(fences.tree(code)) - known - _bound(code):
        # A star import may bind anything: it is taken where nothing else names what is missing.
        found = next((each for each in statements if not missing.isdisjoint(_binds(each[0]))), None)
        found = found or next((each for each in statements if "*" in _binds(each[0])), None)
        if found is None:
            break
        statements.remove(found)
        code = f"\n\n{_source(*found)}{code}"
    future = [line for block in blocks for line in FUTURE.findall(block) if line not in code]
    return "".join(dict.fromkeys(future)) + code


def _source(node: ast.stmt, text: str) -> str:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    return "\n".join(text.split("\n")[first - 1 : node.end_lineno])


def _bound(code: str) -> set[str]:
    """Every name that the code binds anywhere."""
    return {name for node in ast.walk(fences.tree(code)) for name in _binds(node)}


def _binds(node: ast.AST) -> set[str]:
    """The names that a node binds; a statement's own, not those within a function or class."""
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name.partition(".")[0] for alias in names}
        case (
            ast.FunctionDef(name=name)
            | ast.AsyncFunctionDef(name=name)
            | ast.ClassDef(name=name)
            | ast.ExceptHandler(name=str(name))
            | ast.arg(arg=name)
            | ast.Name(id=name, ctx=ast.Store())
        ):
            return {name}
        case ast.Assign(targets=targets):
            return {name for target in targets for each in ast.walk(target) for name in _binds(each)}
        case ast.AnnAssign(target=target):
            return _binds(target)
    return set()
