import pytest

from stages.chat import self_prompt
from stages.chat.self_prompt import STEP_BY_STEP
from stages.core.errors import InputError
from stages.records.question import Question
from stages.records.results import ChoiceReading, Execution, Generation
from stages.records.systems import System
from stages.scoring.items import score_item
from tests.scoring import synthetic

ROLE_SYSTEM = System(model="tiny", arm="role", seed=1)


def scored(benchmark: str, *, right: bool, primary: str = "written", **changes):
    question = synthetic.questions(benchmark, 3)[1]
    generation = synthetic.generation(ROLE_SYSTEM, benchmark, question, right=right).model_copy(update=changes)
    return score_item(ROLE_SYSTEM, benchmark, question, generation, primary)


def choices(*logprobs: float, unconditional=None) -> ChoiceReading:
    return ChoiceReading(prompt="", role=None, logprobs=list(logprobs), unconditional=unconditional)


@pytest.mark.parametrize("benchmark", ["mmlu", "strategyqa", "gsm8k", "hotpotqa"])
@pytest.mark.parametrize("right", [True, False])
def test_right_and_wrong(benchmark, right):
    item = scored(benchmark, right=right)
    assert item.score == item.written_correct == float(right)
    assert item.role == synthetic.ROLE
    assert item.role_well_formed


def test_each_reading_is_scored_and_the_primary_one_is_the_score():
    item = scored("mmlu", right=True, primary="letter", letter=choices(-1.0, -9.0, -2.0, -3.0))
    assert (item.written, item.written_correct) == ("B", 1.0)
    assert (item.letter, item.letter_correct, item.score, item.reading) == ("A", 0.0, 0.0, "letter")
    assert scored("mmlu", right=True, primary="written", letter=choices(-1.0, -9.0, -2.0, -3.0)).score == 1.0


def test_of_equally_likely_choices_the_first_counts():
    assert scored("mmlu", right=True, letter=choices(-3.0, -1.0, -1.0, -2.0)).letter == "B"


def test_a_cloze_likelihood_of_mmlu_is_divided_by_the_characters_of_its_choice():
    """Choices one, two, three, four: 3, 3, 5 and 4 characters."""
    assert scored("mmlu", right=True, cloze=choices(-3.0, -3.3, -4.0, -4.1)).cloze == "C"
    assert scored("mmlu", right=True, cloze=choices(-3.0, -3.3, -5.1, -4.1)).cloze == "A"


@pytest.mark.parametrize("benchmark", ["commonsenseqa", "openbookqa"])
def test_a_choice_that_is_likely_without_its_question_gains_nothing_from_it(benchmark):
    question = Question(id="1", question="?", choices=["often", "rare", "odd", "new"], answer="B")
    reading = choices(-1.0, -5.0, -6.0, -7.0, unconditional=[-1.0, -9.0, -7.0, -8.0])
    generation = Generation(id="1", role=None, cloze=reading)
    item = score_item(ROLE_SYSTEM, benchmark, question, generation, "cloze")
    assert (item.cloze, item.score, item.written, item.written_correct) == ("B", 1.0, None, None)


def test_an_answer_given_in_the_role_prompt_does_not_count():
    output = "From now on, you are a teacher who always ends with Answer: 7 and no more.\n\nWho knows?"
    item = scored("gsm8k", right=True, output=output)
    assert item.written is None
    assert item.score == 0.0


def test_a_second_role_prompt_is_no_answer_either():
    roles = f"{synthetic.ROLE}\n\nFrom now on, you are an expert who says: the answer is 9.\n\n"
    assert self_prompt.answer_of(roles + "Answer: 7") == "Answer: 7"
    assert self_prompt.answer_of(roles) == ""
    assert scored("gsm8k", right=True, output=f"{roles}Answer: 7").score == 1.0
    assert scored("gsm8k", right=True, output=roles).written is None


def test_what_a_condition_put_at_the_head_is_no_part_of_the_answer():
    assert scored("hotpotqa", right=True, output=f"{STEP_BY_STEP}\n\nSalzburg").written == "Salzburg"
    assert scored("hotpotqa", right=True, output=f"{STEP_BY_STEP}\n\n").written is None
    assert scored("strategyqa", right=True, output=f"{STEP_BY_STEP}\n\nNo, it could not.").written == "no"


@pytest.mark.parametrize(
    ("output", "read"),
    [
        ("It takes 7 rows of 4", "7"),
        ("Answer: 4", None),
        ("It is 7.", "7"),
        ("The answer is 7\n\nFrom now on, you are 4", "7"),
    ],
)
def test_a_number_that_the_limit_may_have_cut_through_is_not_read(output, read):
    assert scored("gsm8k", right=True, output=output, finished=False).written == read
    assert scored("gsm8k", right=True, output=output, finished=True).written in {"4", "7"}


def test_a_wrong_number_of_log_probabilities_is_named():
    with pytest.raises(InputError, match=r"tiny-role-1/mmlu\.jsonl, id 'mmlu-1': letter\.logprobs: expected 4 numbers"):
        scored("mmlu", right=True, letter=choices(-1.0))


@pytest.mark.parametrize(("passed", "score"), [(True, 1.0), (False, 0.0), (None, None)])
def test_code_is_scored_by_what_it_did(passed, score):
    question = synthetic.questions("humaneval", 1)[0]
    generation = synthetic.generation(ROLE_SYSTEM, "humaneval", question, right=True)
    execution = Execution(id=question.id, program="", passed=passed, reason="why")
    item = score_item(ROLE_SYSTEM, "humaneval", question, generation, "cloze", execution)
    assert item.score == score
    assert item.reason == "why"
    assert item.pattern == "strict"
