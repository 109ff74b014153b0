import re
from pathlib import Path

import pytest

from tests.reporting import example_run
from tests.reporting.conftest import run_stages
from tests.reporting.prose import NUMBER, Run, faults, texts


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Path:
    """Two models, two seeds, and a role arm far ahead, so that differences are significant."""
    plan = example_run.plan(("small", "other"), (1, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(example_run.SHARES, "role", 0.97)
        folder = example_run.write(tmp_path_factory.mktemp("several"), plan, sizes=example_run.SMALL)
    run_stages(folder)
    return folder


@pytest.fixture(scope="module", params=["finished", "several"])
def run(request) -> Run:
    return Run(request.getfixturevalue(request.param))


def changed(text: str, number: re.Match[str]) -> str:
    """The text with the last digit of one of its numbers another one."""
    last = number.end() - 1
    return f"{text[:last]}{(int(text[last]) + 1) % 10}{text[last + 1 :]}"


def test_every_number_in_the_prose_is_what_the_files_give(run):
    assert len(texts(run)) > 40
    assert [fault for text in texts(run) for fault in faults(run, text)] == []


def test_any_number_that_were_another_would_be_noticed(run):
    unnoticed = [
        other
        for text in texts(run)
        for number in re.finditer(NUMBER, text)
        if not faults(run, other := changed(text, number))
    ]
    assert unnoticed == []


@pytest.mark.parametrize("text", ["Role wins 7 times.", "In 3 of 4 cases it is right.", "p = 0.030"])
def test_a_number_that_no_rule_knows_is_a_fault(run, text):
    assert faults(run, text)
