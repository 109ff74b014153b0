from dataclasses import replace

import pytest

from stages.reporting import examples
from stages.reporting.inputs import load


@pytest.fixture(scope="module")
def run(finished):
    return load(finished)


def test_the_first_question_of_three_benchmarks_whatever_the_answers(run):
    found = examples.examples(run)
    assert [each.question.id for each in found] == ["mmlu-0", "gsm8k-0", "open_ended-0"]
    assert [[answer.variant for answer in each.answers] for each in found] == [["standard", "role"]] * 3


def test_role_and_answer_are_apart(run):
    answers = [answer for each in examples.examples(run) for answer in each.answers]
    assert any(answer.role for answer in answers)
    assert all("From now on" not in answer.text for answer in answers)
    assert all(answer.role is None for answer in answers if answer.variant == "standard")


def test_where_a_benchmark_was_not_run_the_next_takes_its_place(run):
    kept = {key: found for key, found in run.generations.items() if key[1] != "gsm8k"}
    found = examples.examples(replace(run, generations=kept))
    assert [each.question.id for each in found] == ["mmlu-0", "open_ended-0", "strategyqa-0"]


def test_without_both_arms_there_are_none(run):
    standard = [system for system in run.plan.systems if system.arm != "role"]
    assert examples.examples(replace(run, plan=run.plan.model_copy(update={"systems": standard}))) == []


def test_a_role_put_into_the_question_by_hand_is_found():
    prompt = "<user>From now on, you are a judge.\n\nWhat is law?"
    assert examples._manual_role(prompt) == "From now on, you are a judge."
    assert examples._manual_role("<user>What is law?") is None
