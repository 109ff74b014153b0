"""Adapters are trained alone, and merged into plain weights."""

import subprocess
import sys

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.import_graph import ROOT
from tests.training.test_checkpoints import finish


@pytest.mark.parametrize(("stage", "processes"), [(0, 1), (3, 2)])
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


MERGED = """
import sys
import torch
from transformers import AutoModelForCausalLM
from stages.training.model import merged, with_adapters
from stages.training.recipe import Lora

model = with_adapters(AutoModelForCausalLM.from_pretrained(sys.argv[1]), Lora(rank=2, alpha=8)).eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.normal_()
plain = AutoModelForCausalLM.from_pretrained(sys.argv[1])
found = plain.load_state_dict(dict(merged(model, sharded=False)), strict=False)
assert not found.unexpected_keys, found
ids = torch.arange(40)[None]
torch.testing.assert_close(plain(ids).logits, model(ids).logits, rtol=1e-4, atol=1e-4)
"""


def test_the_merged_model_is_the_trained_one(tiny):
    """In a process of its own: one that has answered questions keeps DeepSpeed out."""
    done = subprocess.run(
        [sys.executable, "-c", MERGED, str(tiny)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
