import numpy as np

from stages.records.results import Scored
from stages.scoring.tables import rounded, tabulate


def item(identifier: str, seed: int, score: float | None, group: str | None = None) -> Scored:
    return Scored(
        system=f"tiny-role-{seed}",
        model="tiny",
        variant="role",
        seed=seed,
        benchmark="mmlu",
        id=identifier,
        group=group,
        role=None,
        role_well_formed=False,
        target="A",
        written=None,
        written_correct=0.0,
        pattern=None,
        letter=None,
        letter_correct=None,
        cloze=None,
        cloze_correct=None,
        f1=None,
        reading="cloze",
        score=score,
    )


def test_seeds_are_rows_over_the_items_that_all_answered():
    items = [item("a", 1, 1.0), item("b", 1, 0.0), item("c", 1, 1.0), item("c", 2, 0.0), item("a", 2, 1.0)]
    table = tabulate(items)["tiny", "role", "mmlu"]
    assert table.ids == ["a", "c"]
    assert np.array_equal(table.values("score"), [[1.0, 1.0], [1.0, 0.0]])


def test_groups_count_only_where_there_are_many():
    many = [item(f"i{n}", 1, 1.0, group=f"g{n % 10}") for n in range(20)]
    few = [item(f"i{n}", 1, 1.0, group=f"g{n % 9}") for n in range(20)]
    none = [item(f"i{n}", 1, 1.0) for n in range(20)]
    assert tabulate(many)["tiny", "role", "mmlu"].groups().tolist() == [n % 10 for n in range(20)]
    assert tabulate(few)["tiny", "role", "mmlu"].groups() is None
    assert tabulate(none)["tiny", "role", "mmlu"].groups() is None


def test_numbers_have_six_digits_and_no_minus_zero():
    assert rounded(1 / 3) == 0.333333
    assert str(rounded(-1e-9)) == "0.0"
    assert rounded(None) is None
