import json
import re
from pathlib import Path

import pytest

from tests.reporting import example_run
from tests.reporting.conftest import run_stages
from tests.reporting.prose import NUMBER, Run, faults, places, texts
from tests.reporting.prose_rules import RULES


@pytest.fixture(scope="module")
def troubled(tmp_path_factory) -> Path:
    """Two models, two seeds; a role arm far ahead, so that differences are significant; all that asks for a caution."""
    plan = example_run.plan(("small", "other"), (1, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(example_run.SHARES, "role", 0.97)
        folder = example_run.write(tmp_path_factory.mktemp("troubled"), plan, sizes=example_run.SMALL)
    for path, change in TROUBLES.items():
        found = json.loads((folder / path).read_text())
        change(found)
        (folder / path).write_text(json.dumps(found))
    for path in [
        *folder.glob("data/generations/small-role-1/*.jsonl"),
        folder / "data/generations/other-role-1/gsm8k.jsonl",
    ]:
        path.write_text(path.read_text().replace('"finished":true', '"finished":false'))
    parameters = folder / "params.yaml"
    parameters.write_text(parameters.read_text().replace("random weights.", "random weights of 4 bits."))
    run_stages(folder)
    return folder


def unread(scores) -> None:
    scores["small"]["role"]["gsm8k"]["unparsed_rate"] = 0.96875
    for benchmark in ("mmlu", "strategyqa"):
        scores["small"]["role"][benchmark]["role_rate"] = 0.125
    for benchmark in scores["other"]["standard"]:
        scores["other"]["standard"][benchmark]["unparsed_rate"] = 0.3125


def judged(pairs) -> None:
    pair = pairs["small"]["role - standard"]
    pair["flips"]["rate"] = 0.4375
    pair["answers"] = {"role": {"words": 20.5, "empty": 2, "cut": 3}, "standard": {"words": 61.0, "empty": 1, "cut": 4}}


def overlapping(found) -> None:
    found["mmlu"]["ngram_13"]["count"] = 2


TROUBLES = {
    "metrics/benchmarks.json": unread,
    "metrics/preference.json": judged,
    "metrics/contamination.json": overlapping,
    "metrics/finetune/small-role-1.json": lambda found: found.update(items_truncated=40),
}


@pytest.fixture(scope="module", params=["finished", "troubled"])
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


def test_no_rule_goes_unused(finished, troubled):
    """Else a caution that neither run calls for would be held against nothing."""
    found = [(run, text) for run in (Run(finished), Run(troubled)) for text in texts(run)]
    unused = [pattern for pattern, _ in RULES if not any(list(places(run, text, pattern)) for run, text in found)]
    assert unused == []
