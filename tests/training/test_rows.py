"""Which items are trained, in which order, and how they are packed."""

import random

import pytest
import torch

from stages.chat import arms
from stages.chat.rendering import Part, Rendered
from stages.records.conversation import AnnotatedConversation
from stages.training.rows import (
    IGNORED,
    arm_rows,
    epochs_order,
    micro_batch,
    optimizer_steps,
    rendered_rows,
    share,
    tokens,
)  # fmt: skip
from tests.tokenizers import tokenizer

P, R, A = Part.PROMPT, Part.ROLE, Part.ANSWER


def test_rows_lie_one_after_the_other_and_none_is_predicted_from_the_one_before():
    stop = 9
    batch = micro_batch([Rendered([1, 2, 3, stop], [P, R, A, A]), Rendered([5, stop], [A, A])])
    assert batch.ids.tolist() == [[1, 2, 3, stop, 5, stop]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 0, 1]]
    assert batch.labels.tolist() == [[IGNORED, 2, 3, stop, IGNORED, stop]]
    assert batch.row_lengths == (4, 2)


def test_an_epoch_sees_each_item_once_and_two_epochs_in_another_order():
    order = epochs_order(50, 2, random.Random(3))
    assert sorted(order[:50]) == sorted(order[50:]) == list(range(50))
    assert order[:50] != order[50:]


def test_a_part_of_an_epoch():
    assert len(epochs_order(10, 1.5, random.Random(3))) == 15


def lengths(rows: list[list[Rendered]]) -> list[list[int]]:
    return [[len(row.ids) for row in micro] for micro in rows]


def test_processes_share_a_step_without_loss_and_in_equal_numbers_of_micro_batches():
    rows = [Rendered([0] * length, [P] * length) for length in (5, 3, 9, 2, 7)]
    shares = [lengths(share(rows, micro_batch_size=2, micro_batches=2, rank=rank, world=2)) for rank in (0, 1)]
    assert shares == [[[9], [5]], [[7], [3, 2]]]


def test_micro_batches_and_processes_get_about_as_many_tokens():
    chance = random.Random(5)
    rows = [Rendered([0] * length, [P] * length) for length in (chance.randint(20, 1000) for _ in range(64))]
    shares = [share(rows, micro_batch_size=8, micro_batches=4, rank=rank, world=2) for rank in (0, 1)]
    assert all(len(micro) == 8 for mine in shares for micro in mine)
    totals = [[tokens(micro) for micro in mine] for mine in shares]
    assert max(map(max, totals)) < 1.03 * min(map(min, totals))
    assert abs(sum(totals[0]) - sum(totals[1])) < 0.01 * sum(totals[0])


def test_an_empty_micro_batch_teaches_nothing():
    assert torch.all(micro_batch([]).labels == IGNORED)


def test_steps_hold_every_item():
    assert optimizer_steps([4, 2, 0, 1, 3], 2) == [[4, 2], [0, 1], [3]]


def corpus(size=24):
    """Items whose questions, roles and answers differ in length, each with the longest in another place."""
    return [
        AnnotatedConversation(
            id=f"i-{number}",
            source="test",
            turns=[f"What is {'so ' * (number * 7 % 11)}much? Tell me.", "It is one more. " * (number * 5 % 13 + 1)],
            role=f"From now on, you are number {number}. {'You count well. ' * (number * 3 % 17)}".strip(),
        )
        for number in range(size)
    ]


@pytest.mark.parametrize("max_length", [80, 110, 130])
def test_an_item_is_whole_in_every_arm_or_in_none(max_length):
    loaded, items = tokenizer("smollm2-135m"), corpus()
    found = {arm: rendered_rows(loaded, items, arm, max_length) for arm in arms.ALL}
    left_out = found["standard"].left_out
    kept = [item for item in items if item.id not in left_out]
    assert 0 < len(kept) < len(items)
    end = loaded.convert_tokens_to_ids("<|im_end|>")
    for arm, rows in found.items():
        assert rows.left_out == left_out
        assert all(len(row.ids) <= max_length for row in rows.rows), arm
        for item, row in zip(kept, rows.rows, strict=True):
            assert [token for token, part in zip(row.ids, row.parts, strict=True) if part is Part.END] == [end]
            answer = [token for token, part in zip(row.ids, row.parts, strict=True) if part is Part.ANSWER]
            assert loaded.decode(answer).strip() == item.turns[1].strip(), "the same item in the same place, and whole"


def test_left_out_is_what_some_arm_makes_too_long_and_nothing_else():
    loaded, items = tokenizer("smollm2-135m"), corpus()
    lengths = {arm: [len(row.ids) for row in arm_rows(loaded, items, arm)] for arm in arms.ALL}
    longest = [max(found[place] for found in lengths.values()) for place in range(len(items))]
    expected = [item.id for item, length in zip(items, longest, strict=True) if length > 110]
    assert rendered_rows(loaded, items, "standard", 110).left_out == expected
    assert any(lengths["shuffled"][place] > 110 >= lengths["role"][place] for place in range(len(items)))


def test_answers_are_the_same_tokens_in_every_arm():
    loaded = tokenizer("mistral-7b")
    learnt = {
        arm: [
            [token for token, part in zip(row.ids, row.parts, strict=True) if part is Part.ANSWER]
            for row in rendered_rows(loaded, corpus(8), arm, 500).rows
        ]
        for arm in arms.ALL
    }
    for place, plain in enumerate(learnt["standard"]):
        # A head brings a blank line, and takes from the answer's first word that nothing stands before it.
        assert {tuple(learnt[arm][place][3:]) for arm in arms.ALL if arm != "standard"} == {tuple(plain[1:])}


def test_a_question_that_nothing_answers_is_left_away():
    loaded = tokenizer("smollm2-135m")
    item = corpus(1)[0]
    open_end = item.model_copy(update={"turns": [*item.turns, "And now?"]})
    assert arm_rows(loaded, [open_end], "role") == arm_rows(loaded, [item], "role")
