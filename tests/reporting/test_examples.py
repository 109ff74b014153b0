from dataclasses import replace

import pytest

from stages.reporting import examples
from stages.reporting.inputs import load


@pytest.fixture(scope="module")
def run(finished):
    return load(finished)


def test_every_question_has_all_three_columns_in_order(run):
    found = examples.examples(run)
    assert [each.question.id for each in found] == ["mmlu-0", "gsm8k-0", "open_ended-0"]
    assert [[answer.variant for answer in each.answers] for each in found] == [
        ["standard", "standard.manual", "role"]
    ] * 3


def test_role_and_answer_are_apart(run):
    answers = [answer for each in examples.examples(run) for answer in each.answers]
    assert any(answer.role for answer in answers)
    assert all("From now on" not in answer.text for answer in answers)
    assert all(answer.role is None for answer in answers if answer.variant != "role")
    assert all(bool(answer.manual_role) == (answer.variant == "standard.manual") for answer in answers)


def test_without_both_arms_there_are_none(run):
    standard = [record for record in run.examples if record.variant != "role"]
    assert examples.examples(replace(run, examples=standard)) == []
