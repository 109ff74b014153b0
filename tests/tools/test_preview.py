"""Items as an arm sees them."""

from stages import arms
from stages.randomness import generator
from stages.tools.preview import preview
from stages.training.recipe import Recipe
from tests.training.test_finetune import ITEMS

RECIPE = Recipe(
    epochs=1, batch_size=1, micro_batch_size=1, max_length=512, learning_rate=1e-3, final_learning_rate=0,
    dtype="float32", zero_stage=0, validate_every=1,
)  # fmt: skip


def test_the_first_items_are_shown_with_the_roles_that_training_gives_them(tiny, capsys):
    items = [
        item.model_copy(update={"role": f"From now on, you are cook {number}."}) for number, item in enumerate(ITEMS)
    ]
    given = arms.roles("shuffled", items, generator(1, "arms", "shuffled"))
    preview(tiny, items, 2, "shuffled", RECIPE, 1)
    shown = capsys.readouterr().out
    assert [role for role in given if str(role) in shown] == sorted(given[:2], key=given.index)
    assert "What is 1 and one?" in shown
    assert "What is 3 and one?" not in shown
    assert "0 of all 8 items are cut at 512 tokens" in shown
