from dataclasses import replace

from stages.records.question import Question
from stages.reporting.guessing import chance
from tests.reporting.test_cautions import inputs


def with_questions(choices: dict[str, int]):
    made = {
        name: Question(
            id=name, question="?", choices=[f"{name}{place}" for place in range(count)], answer="A" * (count > 0)
        )
        for name, count in choices.items()
    }
    return replace(inputs(), questions={"mmlu": made})


def test_only_questions_that_were_asked_count():
    """The answers are to the question q; the set has another, with other choices."""
    assert chance(with_questions({"q": 4, "never asked": 2}), "mmlu") == 0.25


def test_before_anything_is_answered_all_count():
    run = replace(with_questions({"q": 4, "other": 2}), generations={})
    assert chance(run, "mmlu") == 0.375


def test_without_choices_nothing_can_be_guessed():
    assert chance(with_questions({"q": 0}), "mmlu") is None
    assert chance(with_questions({}), "gsm8k") is None
