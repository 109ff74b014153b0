from stages.data_checks.fit import Fit, fit

FIELDS = ["glacier snow valley", "violin bow concerto", "tax ledger audit", "orchid seed greenhouse"]
ROLES = [f"an expert in {field}" for field in FIELDS]
ITEMS = [f"a question about {field}" for field in FIELDS]


def test_roles_that_fit_their_items_win():
    assert fit(ROLES, ITEMS) == Fit(wins=4, losses=0)


def test_roles_of_other_items_do_not():
    found = fit([ROLES[1], ROLES[2], ROLES[3], ROLES[0]], ITEMS)
    assert found.wins == 0


def test_three_wins_for_each_loss_are_enough():
    assert Fit(wins=3, losses=1).enough
    assert not Fit(wins=2, losses=1).enough
