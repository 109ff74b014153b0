"""What is put into the model before it is trained: norms and gated units written out, dropout, adapters."""

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from transformers import AutoModelForCausalLM

from stages.core.errors import InputError
from stages.training.attention import ROWS
from stages.training.model import add_residual_dropout, keep_less, merged, with_adapters
from stages.training.recipe import Lora
from tests.conftest import tiny_model
from tests.training.test_checkpoints import finish

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
    torch.testing.assert_close(found, hidden, rtol=0, atol=1e-5 * float(hidden.detach().abs().max()))
    factors = torch.randn(hidden.shape, generator=torch.Generator().manual_seed(1))
    (hidden * factors).sum().backward()
    (found * factors).sum().backward()
    for (name, expected), given in zip(plain.named_parameters(), lean.parameters(), strict=True):
        if expected.grad is not None:
            largest = float(expected.grad.abs().max())
            torch.testing.assert_close(given.grad, expected.grad, rtol=0, atol=1e-5 * largest, msg=name)


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


def test_the_bottom_layer_drops_nothing_and_the_top_one_its_share(tiny):
    model = AutoModelForCausalLM.from_pretrained(tiny).train()
    add_residual_dropout(model, 0.5)
    layers = model.get_decoder().layers
    torch.manual_seed(1)
    hidden = torch.randn(1, 200, model.config.hidden_size)
    shares = [float((layer.mlp(hidden) == 0).float().mean()) for layer in (layers[0], layers[-1])]
    assert shares == [0.0, pytest.approx(0.5, abs=0.05)]
    assert not (layers[-1].eval().mlp(hidden) == 0).any()


def test_an_architecture_that_normalises_what_it_adds_is_refused(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(tiny_model("gemma3", tmp_path))
    with pytest.raises(InputError, match=r"residual_dropout: 0\.0"):
        add_residual_dropout(model, 0.3)


@pytest.mark.parametrize(("stage", "processes"), [(0, 1), pytest.param(3, 2, marks=pytest.mark.long)])
def test_the_export_is_a_plain_model_with_the_adapters_merged(tiny, tmp_path, stage, processes):
    finish(tiny, tmp_path, stage, 2, 2, 0, 4, processes=processes)
    before = AutoModelForCausalLM.from_pretrained(tiny).state_dict()
    after = AutoModelForCausalLM.from_pretrained(tmp_path / "model").state_dict()
    assert after.keys() == before.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    linear = {name for name in before if name.endswith("_proj.weight")}
    assert changed == linear
    for name in linear:
        singular = torch.linalg.svdvals(after[name] - before[name])
        assert singular[4] < 1e-4 * singular[0], f"{name} changed by more than rank 4"


def test_the_merged_model_is_the_trained_one(tiny):
    model = with_adapters(AutoModelForCausalLM.from_pretrained(tiny), Lora(rank=2, alpha=8)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    plain = AutoModelForCausalLM.from_pretrained(tiny)
    assert not plain.load_state_dict(dict(merged(model, sharded=False)), strict=False).unexpected_keys
    ids = torch.arange(40)[None]
    expected = model(ids).logits
    torch.testing.assert_close(plain(ids).logits, expected, rtol=0, atol=1e-4 * float(expected.detach().abs().max()))
