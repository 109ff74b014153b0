import textwrap
import time

import pytest

from stages.answers import code
from stages.records.question import CodeTask, Question

PROMPT = '''from typing import List


def helper(x: int) -> int:
    """ One more. """
    return x + 1


def total(numbers: List[int]) -> int:
    """ The sum of the numbers, each one more.
    >>> total([1, 2])
    5
    """
'''
QUESTION = Question(
    id="1", question=PROMPT, answer="", task=CodeTask(entry_point="total", test="def check(candidate): ...")
)
WHOLE = '''def total(numbers: List[int]) -> int:
    """ The sum. """
    return sum(helper(x) for x in numbers)
'''
BODY = "    result = 0\n    for x in numbers:\n        result += helper(x)\n    return result\n"


def result(text: str) -> int:
    space: dict = {}
    exec(code.program(QUESTION, text), space)  # the text is this test's own
    return space["total"]([1, 2])


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (f"```python\n{WHOLE}```", "strict"),
        (f"```\n{WHOLE}```", "strict"),
        (f"~~~py\n{WHOLE}~~~", "strict"),
        (f"Here you are:\n\n```python\n{WHOLE}```\n\nIt adds them up.", "strict"),
        (f"```python\n{WHOLE}", "strict"),
        (f"```python\n{BODY}```", "strict"),
        (f"```python\n{textwrap.dedent(BODY)}```", "strict"),
        ("1. So:\n" + textwrap.indent(f"```python\n{WHOLE}```", "   "), "strict"),
        (f"An example:\n```python\ntotal([1])\n```\nThe function:\n```python\n{WHOLE}```", "strict"),
        (f"```python\n{WHOLE}\nprint(total([1, 2]))\nassert total([1]) == 7\n```", "strict"),
        (f"```python\n{WHOLE}\nif __name__ == '__main__':\n    input()\n```", "strict"),
        (f"```python\n{PROMPT}{BODY}```", "strict"),
        (WHOLE, "flexible"),
        (BODY, "flexible"),
        (BODY.lstrip(), "flexible"),
        (f"Sure, this is it.\n\n{WHOLE}\nThis adds them up.", "flexible"),
        (f"{BODY}\nThis adds them up.", "flexible"),
        (f"{BODY}\nDone", "flexible"),
        (f"{BODY}\n\ndef other(x):\n    return total(x", "flexible"),
    ],
)
def test_the_function_is_found(text, pattern):
    assert code.read(text, QUESTION).pattern == pattern
    assert result(text) == 5


@pytest.mark.parametrize("text", ["", "I cannot do that.", "```python\ndef total(numbers:\n```", "# no code\n"])
def test_without_a_function_the_program_is_not_read(text):
    assert code.read(text, QUESTION).value is None
    assert code.program(QUESTION, text).startswith(PROMPT)


def test_the_first_block_that_defines_the_function_counts():
    worse = WHOLE.replace("sum(", "-sum(")
    assert result(f"```python\n{WHOLE}```\nor\n```python\n{worse}```") == 5


def test_a_cut_off_function_keeps_no_half_statement():
    text = "```python\n" + WHOLE + "\ndef more(x):\n    return (x +"
    assert result(text) == 5


def test_deep_nesting_is_not_read_and_does_not_crash():
    assert code.read("```python\ndef total(numbers):\n    return " + "(" * 5000 + "\n```", QUESTION).value is None


def test_a_body_whose_first_line_lost_its_indentation_is_taken_whole():
    """Indenting all of it would parse for more characters but fewer lines."""
    body = "for x in numbers:\n        if x > 0:\n            return helper(x) + 3\n\n    return 0\n"
    assert result(body) == 5
    assert code.read(body, QUESTION).value.endswith("return 0\n")


@pytest.mark.parametrize("text", ["Answer:\n" * 2000, "x = 1\n" * 2000, "```\n" * 2000, "1,000," * 3000, "\x00"])
def test_repetition_is_read_in_little_time(text):
    started = time.process_time()
    code.program(QUESTION, text)
    assert time.process_time() - started < 2


def test_a_prompt_without_a_docstring_can_be_completed():
    question = QUESTION.model_copy(update={"question": "def total(numbers):\n"})
    assert code.program(question, "return sum(numbers)") == "def total(numbers):\n    return sum(numbers)\n"
    assert code.read("I cannot do that.", question).value is None


SUM = "    return sum(helper(x) for x in numbers)\n"


@pytest.mark.parametrize(
    "setup",
    [
        "EXTRA = 0\n\n\n{}",
        "Numbers = List[int]\n\n\n{}",
        "MEMO: dict = {{}}\n\n\n{}",
        "TABLE = [0] * 9\nfor i in range(9):\n    TABLE[i] = i\n\n\n{}",
        "import sys\nsys.setrecursionlimit(9999)\n\n\n{}",
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None\n\n\n{}",
        "class Box:\n    more = 0\n\n\n{}",
    ],
)
@pytest.mark.parametrize("dress", ["```python\n{}```", "{}", "Sure, this is it:\n\n{}\nIt adds them up."])
def test_set_up_before_the_function_is_kept(setup, dress):
    name = next(name for name in ("EXTRA", "Numbers", "MEMO", "TABLE", "sys", "numpy", "Box") if name in setup)
    code = setup.format(f"def total(numbers):\n    assert {name} is not Ellipsis\n{SUM}")
    assert result(dress.format(code)) == 5


@pytest.mark.parametrize(
    "example", ["total([1, 2])\n", "print(total([1]))\n", "assert total([1]) == 2\n", "x = input()\n", "Sure\n"]
)
def test_examples_before_the_function_are_dropped_where_they_stand_alone(example):
    text = f"```python\n{example}```\n\n```python\n{WHOLE}```"
    assert code.read(text, QUESTION).pattern == "strict"
    assert result(text) == 5


@pytest.mark.parametrize("example", ["total([1, 2])\n", "print(total([1]))\n", "assert total([1]) == 2\n", "Sure\n"])
def test_examples_in_the_same_block_before_the_function_are_dropped(example):
    assert result(f"```python\n{example}\n{WHOLE}```") == 5


@pytest.mark.parametrize(
    "first",
    [
        PROMPT,
        "def total(numbers):\n    pass\n",
        "def total(numbers):\n    ...\n",
        'def total(numbers):\n    """The sum."""\n    raise NotImplementedError\n',
    ],
)
@pytest.mark.parametrize("second", [WHOLE, BODY, f"{PROMPT}{BODY}"])
def test_a_block_that_only_repeats_the_prompt_gives_way_to_one_that_solves(first, second):
    assert result(f"Given:\n```python\n{first}```\nSolved:\n```python\n{second}```") == 5


def test_a_stub_alone_is_read_as_what_it_is():
    assert result(f"```python\n{PROMPT}```") is None


@pytest.mark.parametrize(
    "text",
    [
        f"{WHOLE}```\n\nThis adds them up.",
        f"{WHOLE}```",
        f"{BODY}```\n\nThis adds them up.",
        f"{BODY}```\n\nFor example:\n```python\nprint(total([1]))\n```",
        f"{WHOLE}~~~\nDone",
    ],
)
def test_a_lone_closing_fence_ends_the_code_before_it(text):
    assert code.read(text, QUESTION).pattern == "flexible"
    assert result(text) == 5


@pytest.mark.parametrize(
    "text",
    [
        f"Here it is: ```python\n{WHOLE}```",
        f"Here it is: ```\n{WHOLE}```\nDone.",
        f"Sure! ~~~python\n{WHOLE}~~~",
        f"Use ```sum```. So: ```py\n{WHOLE.rstrip()}```",
    ],
)
def test_a_fence_may_open_at_the_end_of_a_sentence(text):
    assert code.read(text, QUESTION).pattern == "strict"
    assert result(text) == 5


@pytest.mark.parametrize(
    "text",
    [
        f"```python\nfrom __future__ import annotations\nimport math\n```\n\n```python\n{WHOLE}```",
        f"```python\nfrom __future__ import annotations\n\nimport math\n\n\n{WHOLE}```",
        f"from __future__ import annotations\n\n{WHOLE}",
        "```python\nimport math\n```\nThen:\n```python\ndef total(numbers):\n    return math.fsum(numbers) + 2\n```",
        "```python\nfrom math import *\n```\n```python\ndef total(numbers):\n    return fsum(numbers) + 2\n```",
        "```python\nONE = 1\n```\n```python\ndef total(numbers):\n    return sum(n + ONE for n in numbers)\n```",
        "```python\ndef total(numbers):\n    return sum(map(more, numbers))\n```\nwith\n"
        "```python\nSTEP = 1\n\n\ndef more(x):\n    return x + STEP\n```",
    ],
)
def test_what_the_function_needs_is_taken_from_other_blocks(text):
    assert code.read(text, QUESTION).pattern in ("strict", "flexible")
    assert result(text) == 5


def test_what_the_function_does_not_need_stays_out():
    text = f"```python\n{WHOLE}```\nFor example:\n```python\nresult = total([1])\nhelper = None\n```"
    assert "result" not in code.program(QUESTION, text)
    assert result(text) == 5


@pytest.mark.parametrize(
    "dress", ["```python\n{}```", "{}", "```python\n{}", "So:\n```python\n{}```\nDone.\n```\nx\n```"]
)
def test_a_fence_inside_a_docstring_ends_no_block(dress):
    documented = f'def total(numbers):\n    """The sum.\n\n    ```\n    total([1, 2])\n    ```\n    """\n{SUM}'
    assert result(dress.format(documented)) == 5
