"""Batches that several processes share."""

import pytest

from stages.decoding.sharing import ALONE, Share


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 20])
def test_every_batch_is_one_processes_and_their_order_stays(processes, count):
    dealt = [Share(rank, processes).of([[place] for place in range(count)]) for rank in range(processes)]
    assert sorted(batch for some in dealt for batch in some) == [[place] for place in range(count)]
    assert all(list(some) == sorted(some) for some in dealt)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


def test_batches_that_come_the_heaviest_first_weigh_alike_in_all_shares():
    weights = [[100 - place] for place in range(8)]
    assert [sum(map(sum, Share(rank, 2).of(weights))) for rank in range(2)] == [386, 386]
    assert list(ALONE.of(weights)) == weights
