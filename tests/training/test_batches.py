import random

import torch

from stages.chat.rendering import Part, Rendered
from stages.training.rows import IGNORED, epochs_order, micro_batch, optimizer_steps, share, tokens

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
