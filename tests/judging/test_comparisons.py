import pytest

from stages.core.errors import InputError
from stages.judging.comparisons import comparisons, evenly_spaced, shown
from stages.judging.pairs import SystemPair
from stages.records.question import Question
from stages.records.systems import System
from tests.judging.samples import write_answers

ROLE, STANDARD = (System(model="tiny", arm=arm, seed=1) for arm in ("role", "standard"))
PAIR = SystemPair(left=ROLE, right=STANDARD)
QUESTIONS = [Question(id=f"open_ended-{number}", question=f"Prompt {number}?", answer="") for number in range(4)]


def test_the_judge_sees_answers_without_their_role_prompts(tmp_path):
    write_answers(tmp_path, ROLE, {"open_ended-0": "From now on, you are a baker.\n\nUse less yeast.\n\nWait longer."})
    write_answers(tmp_path, STANDARD, {"open_ended-0": " Wait. "})
    (comparison,) = comparisons(PAIR, QUESTIONS, tmp_path, None)
    assert comparison.request == "Prompt 0?"
    assert comparison.left == "Use less yeast.\n\nWait longer."
    assert comparison.right == "Wait."


def test_an_output_cut_inside_its_role_prompt_is_an_empty_answer(tmp_path):
    write_answers(tmp_path, ROLE, {"open_ended-0": "From now on, you are a baker who"})
    write_answers(tmp_path, STANDARD, {"open_ended-0": "Wait."})
    (comparison,) = comparisons(PAIR, QUESTIONS, tmp_path, None)
    assert comparison.left == ""


def test_comparisons_stand_in_the_order_of_the_questions(tmp_path):
    answers = {"open_ended-2": "c", "open_ended-0": "a"}
    write_answers(tmp_path, ROLE, answers)
    write_answers(tmp_path, STANDARD, answers)
    assert [each.id for each in comparisons(PAIR, QUESTIONS, tmp_path, None)] == ["open_ended-0", "open_ended-2"]


def test_prompts_are_limited(tmp_path):
    answers = {question.id: "x" for question in QUESTIONS}
    write_answers(tmp_path, ROLE, answers)
    write_answers(tmp_path, STANDARD, answers)
    assert [each.id for each in comparisons(PAIR, QUESTIONS, tmp_path, 2)] == ["open_ended-0", "open_ended-2"]


@pytest.mark.parametrize("complete", [ROLE, STANDARD])
def test_an_answer_that_one_system_lacks_is_an_error_that_names_it(tmp_path, complete):
    lacking = STANDARD if complete == ROLE else ROLE
    write_answers(tmp_path, complete, {"open_ended-0": "a", "open_ended-1": "b"})
    write_answers(tmp_path, lacking, {"open_ended-0": "a"})
    with pytest.raises(InputError, match=f"{lacking.name}/open_ended.jsonl: 'open_ended-1' is not answered"):
        comparisons(PAIR, QUESTIONS, tmp_path, None)


def test_an_answer_to_no_question_is_an_error(tmp_path):
    for system in (ROLE, STANDARD):
        write_answers(tmp_path, system, {"open_ended-9": "a"})
    with pytest.raises(InputError, match="'open_ended-9' is no question"):
        comparisons(PAIR, QUESTIONS, tmp_path, None)


def test_evenly_spaced_items_reach_over_the_whole():
    assert evenly_spaced(range(10), 4) == [0, 2, 5, 7]
    assert evenly_spaced(range(3), 5) == [0, 1, 2]
    assert evenly_spaced([], 5) == []


def test_a_long_answer_is_cut_at_a_word_and_marked():
    assert shown("one two\n\nthree four", 3) == "one two\n\nthree […]"
    assert shown("one  two", 2) == "one  two"
    assert shown("", 2) == ""
    assert shown("one two three", None) == "one two three"
