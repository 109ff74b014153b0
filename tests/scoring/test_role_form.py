import pytest

from stages.records.generation import Generation
from stages.scoring.role_form import well_formed

ROLE = "From now on, you are a geologist who explains how rocks are made."


def generation(output: str, *, finished: bool = True) -> Generation:
    return Generation(id="1", prompt="", role=None, output=output, output_tokens=1, finished=finished)


def test_a_role_a_blank_line_and_an_answer():
    assert well_formed(generation(f"{ROLE}\n\nGranite is igneous."))


@pytest.mark.parametrize(
    "output",
    [
        "Granite is igneous.",
        ROLE,
        f"{ROLE}\nGranite is igneous.",
        f"{ROLE}\n\n",
        f" {ROLE}\n\nGranite.",
        "From now on, you are a geologist.\n\nGranite.",
        "From now on, you are " + "very " * 90 + "old.\n\nGranite.",
    ],
)
def test_what_is_not_in_form(output):
    assert not well_formed(generation(output))


def test_an_output_cut_off_right_after_the_role_is_in_form():
    assert well_formed(generation(f"{ROLE}\n\n", finished=False))
    assert not well_formed(generation(ROLE, finished=False))
