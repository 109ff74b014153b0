import pytest

from stages.chat.self_prompt import OPENING, answer_of, join, split, split_restated


def test_a_joined_turn_splits_into_the_same_parts():
    assert split(join(f"{OPENING} a botanist.", "Moss has no roots.\n\nIt drinks through its leaves.")) == (
        f"{OPENING} a botanist.",
        "Moss has no roots.\n\nIt drinks through its leaves.",
    )


@pytest.mark.parametrize("output", ["", "Moss has no roots.", "Well, From now on, you are a botanist.\n\nMoss."])
def test_without_the_opening_there_is_no_role(output):
    assert split(output) == (None, output)


def test_a_turn_cut_inside_its_role_has_no_answer():
    assert split(f"{OPENING} a botanist who") == (f"{OPENING} a botanist who", "")


def test_role_prompts_that_follow_one_another_are_no_answer():
    roles = f"{OPENING} a botanist.\n\n{OPENING} a gardener.\n\n"
    assert answer_of(f"{roles}Moss is a plant.") == "Moss is a plant."
    assert answer_of(f"{roles}{OPENING} a") == ""
    assert answer_of("Moss is a plant.") == "Moss is a plant."


def test_a_role_prompt_between_parts_of_an_answer_is_none():
    answer = "Moss.\n\nIt is green."
    for role in (f"{OPENING} 30 years old.", f'"{OPENING} a botanist."', f"{OPENING} a botanist.\nYou water."):
        assert answer_of(f"{OPENING} a gardener.\n\nMoss.\n\n{role}\n\nIt is green.") == answer
        assert answer_of(f"{answer}\n\n{role}") == answer
    code = "```python\nx = 1\n\n\ny = 2\n```\n"
    assert answer_of(f"{OPENING} a programmer.\n\n{code}") == code


@pytest.mark.parametrize("torn", ["From", "From now on", "From now on, you", OPENING])
def test_the_first_words_of_a_role_prompt_where_an_output_was_cut_off_are_no_answer(torn):
    assert answer_of(f"{OPENING} a botanist.\n\n{torn}") == ""
    assert answer_of(torn) == ""
    assert answer_of(f"{OPENING} a botanist.\n\nFrom moss.") == "From moss."


def test_white_space_before_the_opening_is_no_reason_to_see_no_role():
    assert split(f" {OPENING} a botanist.\n\nMoss.") == (f"{OPENING} a botanist.", "Moss.")


def test_a_restated_head_ends_at_the_first_blank_line():
    question = "Who was Dr. King? Be brief."
    assert split_restated("Who was Dr. King?\n\nA pastor.\n\nAnd more.", question) == (
        "Who was Dr. King?",
        "A pastor.\n\nAnd more.",
    )
    assert split_restated("Who was Dr. King?", question) == ("Who was Dr. King?", "")
    assert split_restated("A pastor.", question) == (None, "A pastor.")


def test_a_lone_f_is_an_answer_not_the_head_of_a_role_prompt():
    for letter in "ABCDEFGHIJ":
        assert answer_of(letter) == letter
        assert answer_of(f"{OPENING} a botanist.\n\n{letter}") == letter
    assert answer_of(f"{OPENING} a botanist.\n\nFr") == ""
