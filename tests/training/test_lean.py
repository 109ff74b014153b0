"""Norms and gated units written out: the library's values and gradients, and less kept for the backward pass."""

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from transformers import AutoModelForCausalLM

from stages.training.attention import ROWS
from stages.training.model import keep_less
from tests.conftest import tiny_model

TOKENS = 50


def passed(model):
    """The last hidden state of a forward pass, and the bytes that autograd kept of activations."""
    kept = {}
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.arange(TOKENS)[None] % model.config.vocab_size
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        hidden = model.get_decoder()(
            input_ids=ids, position_ids=torch.arange(TOKENS)[None], row_lengths=(TOKENS,), use_cache=False
        ).last_hidden_state
    return hidden, sum(kept.values())


def both(kind, folder, dtype=torch.float32):
    path = tiny_model(kind, folder)
    plain, lean = (AutoModelForCausalLM.from_pretrained(path, attn_implementation=ROWS, dtype=dtype) for _ in range(2))
    torch.manual_seed(0)
    for of_plain, of_lean in zip(plain.parameters(), lean.parameters(), strict=True):
        if of_plain.ndim == 1:  # a norm's weights of one would hide a missing product
            of_plain.data.copy_(torch.rand_like(of_plain) + 0.5)
            of_lean.data.copy_(of_plain)
    keep_less(lean)
    return plain, lean


@pytest.mark.parametrize("kind", ["llama", "mistral", "gemma3"])
def test_values_and_gradients_are_the_librarys(tmp_path, kind):
    plain, lean = both(kind, tmp_path)
    hidden, found = passed(plain)[0], passed(lean)[0]
    torch.testing.assert_close(found, hidden, rtol=1e-5, atol=1e-6)
    factors = torch.randn(hidden.shape, generator=torch.Generator().manual_seed(1))
    (hidden * factors).sum().backward()
    (found * factors).sum().backward()
    for (name, expected), given in zip(plain.named_parameters(), lean.parameters(), strict=True):
        if expected.grad is not None:
            torch.testing.assert_close(given.grad, expected.grad, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("kind", ["llama", "mistral"])
def test_bfloat16_rounds_as_the_library_does(tmp_path, kind):
    plain, lean = both(kind, tmp_path, torch.bfloat16)
    torch.testing.assert_close(passed(lean)[0], passed(plain)[0], rtol=2**-7, atol=2**-7)


@pytest.mark.parametrize("kind", ["llama", "mistral"])
def test_less_is_kept(tmp_path, kind):
    plain, lean = both(kind, tmp_path, torch.bfloat16)
    assert passed(lean)[1] < 0.75 * passed(plain)[1]


def test_a_frozen_norm_gets_no_gradient(tmp_path):
    _, lean = both("llama", tmp_path)
    lean.model.norm.weight.requires_grad_(False)
    passed(lean)[0].sum().backward()
    assert lean.model.norm.weight.grad is None
    assert lean.model.layers[0].input_layernorm.weight.grad is not None
