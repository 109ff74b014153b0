"""Prefixes that prompts share, at every depth."""

import random

import pytest
import torch

from stages.decoding.model import load
from stages.decoding.parameters import Decoding
from stages.decoding.prefilling import common, families, read


@pytest.fixture(scope="module")
def loaded(tiny):
    return load(tiny, Decoding(dtype="float32", batch_tokens=256, threads=1))


def nested(rng, heads=(40, 30), branches=3):
    """Sequences that share a first head, and in threes a second; some end where a head ends, and two are equal."""
    first, *rest = [[rng.randrange(200) for _ in range(heads[0])]] + [
        [rng.randrange(200) for _ in range(heads[1])] for _ in range(branches)
    ]
    found = [first + second + [rng.randrange(200) for _ in range(rng.randrange(1, 20))] for second in rest * 3]
    found += [first, first + rest[0], [rng.randrange(200)], [], found[0]]
    rng.shuffle(found)
    return found


def test_what_is_read_is_what_a_whole_pass_leaves(loaded):
    sequences = nested(random.Random(3))
    for sequence, layers in zip(sequences, read(sequences, loaded), strict=True):
        assert [keys.shape[1] for keys, _ in layers] == [len(sequence)] * 2
        if sequence:
            past = loaded.model(torch.tensor([sequence]), use_cache=True).past_key_values
            for (keys, values), whole in zip(layers, past.layers, strict=True):
                torch.testing.assert_close(keys, whole.keys[0].detach(), atol=1e-5, rtol=1e-4)
                torch.testing.assert_close(values, whole.values[0].detach(), atol=1e-5, rtol=1e-4)


def test_each_shared_token_goes_through_the_model_once(loaded, monkeypatch):
    sequences = nested(random.Random(4))
    passed = []
    whole = type(loaded.model.base_model).forward
    monkeypatch.setattr(
        type(loaded.model.base_model),
        "forward",
        lambda model, input_ids, **rest: passed.append(input_ids.numel()) or whole(model, input_ids=input_ids, **rest),
    )
    read(sequences, loaded)
    prefixes = {tuple(sequence[: place + 1]) for sequence in sequences for place in range(len(sequence))}
    assert len(prefixes) <= sum(passed) < len(prefixes) + 9 * 20 < sum(len(sequence) for sequence in sequences)


def test_a_short_prefix_is_shared_only_by_many():
    few, many = [[1] * 5 + [place] * 3 for place in range(2, 5)], [[1] * 5 + [place] * 3 for place in range(2, 12)]
    assert list(families(few, range(3), 0, 0)) == []
    assert list(families(many, range(10), 0, 0)) == [(list(range(10)), 5)]


def test_common_counts_tokens():
    assert common([1, 2, 3], [1, 2, 4]) == 2
    assert common([1, 2], [1, 2, 4]) == 2
    assert common([], [1]) == 0
