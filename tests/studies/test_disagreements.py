"""Figure 1 of a study: only questions that one arm got right and the other wrong."""

from types import SimpleNamespace

from stages.studies.paper import EACH_WAY, disagreements
from tests.scoring.test_tables import item


def test_questions_are_those_that_one_arm_alone_got_right_in_their_order():
    right = {"role": "rrrrrww", "standard": "wrwwwrw"}
    scored = [
        item(f"q{number}", seed, float(mark == "r")).model_copy(update={"variant": variant, "cloze": "A"})
        for variant, marks in right.items()
        for seed in (1, 2)
        for number, mark in enumerate(marks)
    ]
    rows = disagreements(SimpleNamespace(scored=dict(enumerate(scored))))
    assert [row["id"] for row in rows] == ["q0", "q2", "q3", "q5"]
    assert EACH_WAY == 3
    assert rows[0]["picks"]["role"][1] is True and rows[0]["picks"]["standard"][1] is False
    assert rows[-1]["picks"]["standard"][1] is True
