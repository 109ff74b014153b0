"""What the estimate counts of a model that can be counted by hand."""

import dataclasses

import pytest
from transformers import LlamaConfig

from stages.tools.estimate import Hardware, memory, operations, size
from stages.training.recipe import Lora

WIDTH, INNER, LAYERS, VOCABULARY, RANK = 32, 64, 2, 100, 4
A_LAYER = 4 * WIDTH * WIDTH + 3 * WIDTH * INNER + 2 * WIDTH
BODY, PROJECTION = LAYERS * A_LAYER + WIDTH, VOCABULARY * WIDTH
ADAPTERS = LAYERS * RANK * (4 * (WIDTH + WIDTH) + 3 * (WIDTH + INNER))
OF_ATTENTION = 6 * LAYERS * WIDTH * 10**2


@pytest.fixture(scope="module")
def counted():
    config = LlamaConfig(
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=4,
        vocab_size=VOCABULARY,
        tie_word_embeddings=False,
    )
    hardware = Hardware(gpus=2, gpus_per_node=2, gpu_memory=80, tflops=100, mfu=0.5)
    return [
        dataclasses.asdict(one)
        | {"operations": operations(one, [10]), "memory": {what: rest for what, *rest in memory(one, hardware)}}
        for one in (size(config), size(config, Lora(rank=RANK, alpha=8)))
    ]


def test_all_weights_are_trained_without_adapters(counted):
    whole, _ = counted
    assert whole["parameters"] == whole["trained"] == BODY + 2 * PROJECTION
    assert whole["multiplied"] == BODY + PROJECTION
    assert whole["largest_layer"] == max(A_LAYER, PROJECTION)
    assert whole["operations"] == 6 * whole["multiplied"] * 10 + OF_ATTENTION
    assert whole["memory"]["ZeRO 0"] == [18 * whole["parameters"], 0]


def test_adapters_alone_have_gradients_and_states(counted):
    whole, found = counted
    assert (found["parameters"], found["multiplied"]) == (whole["parameters"], whole["multiplied"])
    assert found["trained"] == ADAPTERS
    assert found["operations"] == (4 * found["multiplied"] + 2 * ADAPTERS) * 10 + OF_ATTENTION
    taken = found["memory"]
    assert taken["ZeRO 0"] == [18 * ADAPTERS + 2 * found["parameters"], 0]
    offloaded = "ZeRO 3, optimizer offloaded and parameters"
    assert taken[offloaded][1] - taken["ZeRO 3, optimizer offloaded"][1] >= 2 * found["parameters"]
