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
