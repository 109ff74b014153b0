"""Items as an arm sees them."""

from stages.chat import arms
from stages.tools.preview import preview
from tests.training.test_finetune import ITEMS


def test_the_first_items_are_shown_with_the_roles_that_training_gives_them(tiny, capsys):
    items = [
        item.model_copy(update={"role": f"From now on, you are cook {number}."}) for number, item in enumerate(ITEMS)
    ]
    given = arms.heads("shuffled", items)
    preview(tiny, items, 2, "shuffled", 512)
    shown = capsys.readouterr().out
    assert {role for role in given if str(role) in shown} == set(given[:2])
    assert "What is 1 and one?" in shown
    assert "What is 3 and one?" not in shown
    assert "0 of 8 items have more than 512 tokens in one arm and are left out" in shown
