"""What a training is given and what it writes down."""

import pytest
from transformers import AutoTokenizer

from stages.chat.rendering import Part, Rendered
from stages.training.curve import LossRow
from stages.training.recipe import Recipe
from stages.training.run import metrics, validation_rows
from tests.training.test_finetune import ITEMS

RECIPE = Recipe(
    epochs=1, batch_size=1, micro_batch_size=1, max_length=512, learning_rate=1e-3, final_learning_rate=0,
    dtype="float32", zero_stage=0, validate_every=1,
)  # fmt: skip


@pytest.mark.parametrize(("limit", "taken"), [(None, range(8)), (4, [0, 2, 4, 6]), (3, [0, 2, 5]), (100, range(8))])
def test_the_loss_during_training_is_taken_on_held_out_items_at_even_distances(tiny, limit, taken):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    every = validation_rows(tokenizer, ITEMS, "role", RECIPE)
    recipe = RECIPE.model_copy(update={"validation_limit": limit})
    assert validation_rows(tokenizer, ITEMS, "role", recipe) == [every[place] for place in taken]


def test_without_held_out_items_that_fit_training_goes_on_without_their_loss(tiny):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    assert validation_rows(tokenizer, ITEMS, "role", RECIPE.model_copy(update={"max_length": 16})) == []


def test_tokens_learnt_are_told_by_part():
    row = Rendered([1, 2, 3, 4, 5], [Part.PROMPT, Part.ROLE, Part.ANSWER, Part.ANSWER, Part.END])
    losses = [LossRow(0, 0, None, None, None), LossRow(1, 4, 2.0, 1e-3, 1.0), LossRow(2, 8, 1.0, 1e-3, 1.0)]
    found = metrics([[row], [row]], losses, epochs=2)
    assert {key: found[key] for key in found if key.endswith("_tokens")} == {
        "completion_tokens": 8,
        "role_tokens": 2,
        "answer_tokens": 4,
        "end_tokens": 2,
    }
    assert (found["steps"], found["loss"]) == (2, 1.0)
