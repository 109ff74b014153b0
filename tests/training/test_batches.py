import random

import torch

from stages.chat.rendering import Part, Rendered
from stages.training.batches import IGNORED, epochs_order, micro_batch, optimizer_steps, share

P, R, A = Part.PROMPT, Part.ROLE, Part.ANSWER


def test_prompt_and_padding_are_never_learnt_even_where_padding_is_the_stop():
    stop = 9
    batch = micro_batch([Rendered([1, 2, 3, stop], [P, R, A, A]), Rendered([1, stop], [P, A])], pad_id=stop)
    assert batch.labels.tolist() == [[IGNORED, 2, 3, stop], [IGNORED, stop, IGNORED, IGNORED]]


def test_an_epoch_sees_each_item_once_and_two_epochs_in_another_order():
    order = epochs_order(50, 2, random.Random(3))
    assert sorted(order[:50]) == sorted(order[50:]) == list(range(50))
    assert order[:50] != order[50:]


def test_a_part_of_an_epoch():
    assert len(epochs_order(10, 1.5, random.Random(3))) == 15


def test_processes_share_a_step_without_loss_and_in_equal_numbers_of_micro_batches():
    rows = [Rendered([0] * length, [P] * length) for length in (5, 3, 9, 2, 7)]
    shares = [list(share(rows, micro_batch_size=2, micro_batches=2, rank=rank, world=2)) for rank in (0, 1)]
    assert [len(mine) for mine in shares] == [2, 2]
    lengths = [[[len(row.ids) for row in micro] for micro in mine] for mine in shares]
    assert lengths == [[[9, 7], [2]], [[5, 3], []]]


def test_an_empty_micro_batch_teaches_nothing():
    assert torch.all(micro_batch([], pad_id=4).labels == IGNORED)


def test_steps_hold_every_item():
    assert optimizer_steps([4, 2, 0, 1, 3], 2) == [[4, 2], [0, 1], [3]]
