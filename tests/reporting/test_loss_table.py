import csv

from stages.reporting.inputs import LOSS_COLUMNS, load, loss_rows


def test_every_curve_is_there_once_with_its_own_numbers(finished):
    found = [dict(zip(LOSS_COLUMNS, row, strict=True)) for row in loss_rows(load(finished))]
    for arm in ("standard", "role", "shuffled"):
        with (finished / f"plots/loss/small-{arm}-1.csv").open(newline="") as file:
            expected = [float(row["loss"]) if row["loss"] else None for row in csv.DictReader(file)]
        assert [row["loss"] for row in found if row["arm"] == arm] == expected
    assert len(found) == 3 * 15
    assert (finished / "plots/losses.csv").read_text().count("\n") == 1 + len(found)
