"""What ``--estimate`` counts of a model that can be counted by hand."""

from transformers import LlamaConfig

from stages.training.estimate import Hardware, memory, operations, size
from stages.training.recipe import Lora

WIDTH, INNER, LAYERS, VOCABULARY, RANK = 32, 64, 2, 100, 4
CONFIG = LlamaConfig(
    hidden_size=WIDTH,
    intermediate_size=INNER,
    num_hidden_layers=LAYERS,
    num_attention_heads=4,
    num_key_value_heads=4,
    vocab_size=VOCABULARY,
    tie_word_embeddings=False,
)
A_LAYER = 4 * WIDTH * WIDTH + 3 * WIDTH * INNER + 2 * WIDTH
BODY, PROJECTION = LAYERS * A_LAYER + WIDTH, VOCABULARY * WIDTH
ADAPTERS = LAYERS * RANK * (4 * (WIDTH + WIDTH) + 3 * (WIDTH + INNER))
TWO_GPUS = Hardware(gpus=2, gpus_a_node=2, gpu_memory=80, tflops=100, mfu=0.5)


def test_all_weights_are_trained_without_adapters():
    found = size(CONFIG)
    assert found.parameters == found.trained == BODY + 2 * PROJECTION
    assert found.multiplied == BODY + PROJECTION
    assert found.largest_layer == max(A_LAYER, PROJECTION)
    assert operations(found, [10]) == 6 * found.multiplied * 10 + 6 * LAYERS * WIDTH * 10**2
    assert memory(found, TWO_GPUS)[0] == ("ZeRO 0", 18 * found.parameters, 0)


def test_adapters_alone_have_gradients_and_states():
    whole, found = size(CONFIG), size(CONFIG, Lora(rank=RANK, alpha=8))
    assert (found.parameters, found.multiplied) == (whole.parameters, whole.multiplied)
    assert found.trained == ADAPTERS
    assert operations(found, [10]) == (4 * found.multiplied + 2 * ADAPTERS) * 10 + 6 * LAYERS * WIDTH * 10**2
    taken = {what: (gpu, host) for what, gpu, host in memory(found, TWO_GPUS)}
    assert taken["ZeRO 0"] == (18 * ADAPTERS + 2 * found.parameters, 0)
    offloaded = "ZeRO 3, optimizer offloaded and parameters"
    assert taken[offloaded][1] - taken["ZeRO 3, optimizer offloaded"][1] >= 2 * found.parameters
