from pathlib import Path

import pytest

from stages.records.question import Question
from stages.records.results import Generation
from stages.records.systems import Plan, System
from stages.reporting.cautions import cautions
from stages.reporting.inputs import METRICS, Inputs

BENCHMARKS = ["mmlu", "gsm8k", "strategyqa", "hotpotqa"]


def inputs(seeds=(1,), scores=None, cut=0.0, **metrics) -> Inputs:
    systems = [System(model="m", arm=arm, seed=seed) for arm in ("standard", "role") for seed in seeds]
    names = {"corpus": "bundled", "annotator": "recorded", "judge": "local", "data": "bundled", "scale": "mini"}
    question = Question(id="q", question="?", choices=["a", "b", "c", "d"], answer="A")
    answers = {
        str(number): Generation(id="q", prompt="", role=None, output="", output_tokens=1, finished=number >= 10 * cut)
        for number in range(10)
    }
    return Inputs(
        root=Path(),
        plan=Plan(systems=systems, benchmarks=BENCHMARKS, **names),
        metrics={
            **{name: {} for name in METRICS},
            "benchmarks": {"m": {arm: scores or {} for arm in ("standard", "role")}},
        }
        | metrics,
        finetune={},
        losses={},
        scored={},
        questions={"mmlu": {"q": question}, "gsm8k": {"q": question.model_copy(update={"choices": []})}},
        generations={(system.name, each): answers for system in systems for each in BENCHMARKS},
        judgements=[],
        parameters={},
    )


def told(**given) -> str:
    return " ".join(cautions(inputs(**given)))


def entry(low=0.4, **other):
    known = {"score": 0.5, "ci_low": low, "ci_high": 0.6, "unparsed_rate": 0.0, "role_rate": 1.0, "n": 100, "seeds": 1}
    return known | other


def test_one_training_is_no_measure_of_the_spread():
    assert "Each arm was trained once:" in told()
    assert "Each arm was trained with 3 seeds" in told(seeds=(1, 2, 3))


def test_a_seed_of_zero_is_a_seed():
    assert "nswers were cut off" in told(seeds=(0,), cut=0.5)


@pytest.mark.parametrize(("low", "warned"), [(0.2, True), (0.25, True), (0.26, False)])
def test_scores_that_may_be_guesses(low, warned):
    assert ("On MMLU neither arm is shown to beat guessing" in told(scores={"mmlu": entry(low)})) == warned


def test_free_answers_cannot_be_guessed():
    assert "guessing" not in told(scores={"gsm8k": entry(0.0)})


def test_few_benchmarks_with_unread_answers_are_named_and_many_are_counted():
    few = told(scores={"gsm8k": entry(unparsed_rate=0.5)})
    assert "no answer was found in the text: GSM8K (standard 50.0%, role 50.0%)." in few
    many = told(scores={name: entry(unparsed_rate=0.3 + 0.1 * place) for place, name in enumerate(BENCHMARKS)})
    assert "on all 4 benchmarks with written answers (standard 30.0 to 60.0%, role 30.0 to 60.0%)" in many


def test_answers_cut_off_are_counted():
    assert "cut off" not in told(cut=0.2)
    assert "cut off at the token limit: on all 4 sets (standard 50.0%, role 50.0%)." in told(cut=0.5)


def test_a_missing_score_has_its_reason():
    assert "HumanEval has no score: no sandbox." in told(scores={"humaneval": {"score": None, "reason": "no sandbox"}})


def test_an_arm_that_seldom_writes_roles():
    assert "seldom wrote a role prompt on MMLU (10.0%)" in told(scores={"mmlu": entry(role_rate=0.1)})


def judged(judge, flips=0.1):
    return {"m": {"role - standard": {"judge": judge, "n": 10, "seeds": 1, "flips": {"rate": flips}}}}


def test_the_judge_is_called_what_it_is():
    assert "both arms were trained from it, and its judgement was not checked" in told(
        preference=judged("m itself, before fine-tuning")
    )
    assert "one model, gpt-x: whether people would agree with it" in told(preference=judged("gpt-x"))
    assert "flips (verdicts that change when the answers are swapped): 4 of 10." in told(
        preference=judged("gpt-x", 0.4)
    )
    assert "flip" not in told(preference=judged("gpt-x", 0.2))


def test_a_judge_whose_name_begins_like_the_model_is_not_its_kin():
    assert "one model, m-large: whether" in told(preference=judged("m-large"))


def test_answers_that_are_empty_or_of_unequal_length():
    def answers(words, empty=0, other=40):
        sides = {"role": {"words": words, "empty": empty}, "standard": {"words": other, "empty": 0}}
        pair = {"judge": "gpt-x", "n": 10, "seeds": 1, "flips": {"rate": 0.0}, "answers": sides}
        return {"m": {"role - standard": pair}}

    assert "answers of role have 61 words on average, those of standard 40. Judges often" in told(
        preference=answers(61.0)
    ).replace("Answers of", "answers of")
    assert "words on average" not in told(preference=answers(59.0))
    assert "3 answers of role were empty" in told(preference=answers(40.0, empty=3))
    assert "were empty" not in told(preference=answers(40.0))


def test_where_role_is_harder_to_read_than_standard_it_is_told():
    def rates(role, reading):
        of = {"standard": 0.1, "role": role}
        return {arm: {"gsm8k": entry(unparsed_rate=rate, reading=reading)} for arm, rate in of.items()}

    assert "are unread on GSM8K (50.0% against 10.0%). Scores there are read from the text" in told(
        benchmarks={"m": rates(0.5, "written")}
    )
    assert "more of role's answers" not in told(benchmarks={"m": rates(0.15, "written")}).lower()
    assert "more of role's answers" not in told(benchmarks={"m": rates(0.5, "cloze")}).lower()


def test_overlap_with_the_corpus():
    clean, copied = {"mmlu": {"ngram_13": {"count": 0}}}, {"mmlu": {"ngram_13": {"count": 2}}}
    assert "No question shares a run of 13 words" in told(contamination=clean)
    assert "training corpus: MMLU (2 questions)" in told(contamination=copied)
    assert "13 words" not in told()


def test_where_neither_arm_was_ever_right_nothing_is_compared():
    assert "On GSM8K neither arm was right even once" in told(scores={"gsm8k": entry(0.0, score=0.0)})
    assert "even once" not in told(scores={"gsm8k": entry(0.0, score=0.01)})


@pytest.mark.parametrize(("share", "warned"), [(0.79, False), (0.8, True)])
def test_picks_that_nearly_all_fall_on_one_label(share, warned):
    text = told(scores={"mmlu": entry(picks={"A": share, "B": 1 - share})})
    assert ('Nearly every pick is "A" on MMLU, whatever' in text) == warned
    arms = {"standard": {"mmlu": entry(picks={"A": share})}, "role": {"mmlu": entry(picks={"B": share})}}
    assert (
        'Nearly every pick is "A" (standard) or "B" (role) on MMLU, whatever' in told(benchmarks={"m": arms})
    ) == warned


def test_a_judge_that_saw_part_of_the_answers_and_a_rate_that_is_lacking():
    sides = {"role": {"words": 90.0, "empty": 0, "cut": 3}, "standard": {"words": 40.0, "empty": 0, "cut": 0}}
    pair = {"judge": "gpt-x", "n": 10, "seeds": 1, "flips": {"rate": 0.0}, "answers": sides}
    lacking = {"length_controlled": {"win_rate": None, "reason": "fewer than 10 prompts"}}
    text = told(preference={"m": {"role - standard": pair | lacking}})
    assert "the judge saw only the beginning of 3 answers of role." in text
    assert "there is no length-controlled win rate: fewer than 10 prompts." in text
    known = {"length_controlled": {"win_rate": 0.5}}
    assert "see the length-controlled win rate." in told(preference={"m": {"role - standard": pair | known}})


def test_a_judge_that_order_moves_more_than_the_answers_measured_nothing():
    pair = judged("m itself, before fine-tuning")
    strength = {"measured_nothing": True, "by_answers": 0.1, "by_order": 0.9, "unit": "nats"}
    pair["m"]["role - standard"]["strength"] = strength
    assert "measured nothing: the order of the answers moved it by 0.90 nats on average" in told(preference=pair)
    pair["m"]["role - standard"]["strength"]["measured_nothing"] = False
    assert "measured nothing" not in told(preference=pair)
