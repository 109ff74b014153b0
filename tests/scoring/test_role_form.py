import pytest

from stages.chat import self_prompt
from stages.records.results import Generation
from stages.scoring.items import well_formed

ROLE = "From now on, you are a geologist who explains how rocks are made."


def generation(output: str, *, finished: bool = True) -> Generation:
    role, _ = self_prompt.split(output)
    return Generation(id="1", prompt="", role=role, output=output, output_tokens=1, finished=finished)


def test_a_role_a_blank_line_and_an_answer():
    assert well_formed(generation(f"{ROLE}\n\nGranite is igneous."))


@pytest.mark.parametrize(
    "output",
    [
        "Granite is igneous.",
        ROLE,
        f"{ROLE}\nGranite is igneous.",
        f"{ROLE}\n\n",
        "From now on, you are a geologist.\n\nGranite.",
        "From now on, you are " + "very " * 90 + "old.\n\nGranite.",
    ],
)
def test_what_is_not_in_form(output):
    assert not well_formed(generation(output))


def test_an_output_cut_off_right_after_the_role_is_in_form():
    assert well_formed(generation(f"{ROLE}\n\n", finished=False))
    assert not well_formed(generation(ROLE, finished=False))


@pytest.mark.parametrize(
    ("role", "form"), [(ROLE, True), (ROLE.rstrip("."), False), ("From now on, you are a cook.", False)]
)
def test_a_role_before_choices_must_end_its_sentence(role, form):
    assert well_formed(Generation(id="1", role=role)) is form
