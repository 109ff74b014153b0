import pytest
from pydantic import ValidationError

from stages.data_checks.choice_rows import CommonsenseRow, OpenBookRow, TruthfulRow
from stages.data_checks.rows import ConversationRow, Gsm8kRow, HotpotRow, PromptRow
from tests.data_checks.samples import mmlu, talk


def commonsense(label="ABCDE", key="B", text=("bed", "mat", "sofa", "oven", "bath")):
    choices = {"text": list(text), "label": list(label)}
    fields = {"id": "c", "question": "Where do wet boots go?", "question_concept": "boots"}
    return CommonsenseRow(choices=choices, answerKey=key, **fields)


def truthful(one=(("no", 1), ("yes", 0)), many=(("no", 1), ("never", 1), ("yes", 0))):
    def target(pairs):
        return {"choices": [choice for choice, _ in pairs], "labels": [label for _, label in pairs]}

    return TruthfulRow(question="Is it so?", mc1_targets=target(one), mc2_targets=target(many))


def test_choices_must_differ():
    with pytest.raises(ValidationError, match="choices that differ"):
        mmlu(choices=["Venus", "venus", "Mars", "Earth"])


def test_four_choices_are_wanted():
    with pytest.raises(ValidationError, match="at least 4 items"):
        mmlu(choices=["Venus", "Mercury", "Mars"])


def test_space_at_the_ends_is_refused():
    with pytest.raises(ValidationError, match="without space at its ends"):
        mmlu(question="Which planet? ")


def test_the_right_choice_is_found_by_its_label():
    assert commonsense(key="D").right == 3


@pytest.mark.parametrize("wrong", [{"label": "ABCD"}, {"label": "BACDE"}, {"key": "F"}, {"text": ("bed", "mat")}])
def test_labels_are_letters_in_order_and_the_key_is_one_of_them(wrong):
    with pytest.raises(ValidationError):
        commonsense(**wrong)


def test_openbook_has_four_choices():
    choices = {"text": ["a", "b", "c", "d"], "label": list("ABCD")}
    assert OpenBookRow(id="o", question_stem="A puddle", choices=choices, answerKey="C").right == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"one": (("yes", 0), ("no", 1))},
        {"one": (("no", 1), ("never", 1), ("yes", 0))},
        {"many": (("never", 1), ("yes", 0))},
        {"many": (("no", 0), ("yes", 0))},
    ],
)
def test_truthful_targets_name_one_right_choice_first_and_agree(wrong):
    assert truthful().right == 0
    with pytest.raises(ValidationError):
        truthful(**wrong)


@pytest.mark.parametrize("answer", ["31", "Left: 31\n####31", "#### 31", "Left: 31\n#### many"])
def test_gsm8k_answers_end_in_four_hashes_and_a_number(answer):
    with pytest.raises(ValidationError):
        Gsm8kRow(question="How many?", answer=answer)


def test_hotpot_types_are_two():
    with pytest.raises(ValidationError, match="type"):
        HotpotRow(id="h", question="Who?", answer="Ana", type="other", level="easy")


def test_a_conversation_ends_on_an_answer():
    assert talk("Why?", "Because.", "Really?", "Yes.").answers == ["Because.", "Yes."]
    with pytest.raises(ValidationError, match="an answer to each"):
        ConversationRow(conversations=["Why?", "Because.", "Really?"], source="advice")


def test_a_prompt_is_one_turn():
    with pytest.raises(ValidationError, match="at most 1 item"):
        PromptRow(conversations=["Why?", "Because."], source="advice")


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        PromptRow(conversations=["Why?"], source="advice", category="x")
