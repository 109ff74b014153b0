"""Residual dropout: how much at which layer, and where it would not be what it says."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from stages.errors import InputError
from stages.training.model import add_residual_dropout
from tests.conftest import tiny_model


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
