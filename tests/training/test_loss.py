"""The chunked loss and its gradients against torch's own cross-entropy over all logits."""

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from stages.chat.rendering import Part, Rendered
from stages.core.errors import InputError
from stages.training import loss as loss_module
from stages.training.attention import ROWS
from stages.training.loss import CompletionLoss
from stages.training.rows import IGNORED, micro_batch

ROWS_OF = [
    Rendered([3, 1, 4, 1, 5], [Part.PROMPT, Part.ROLE, Part.ROLE, Part.ANSWER, Part.ANSWER]),
    Rendered([9, 2, 6, 5, 3, 5], [Part.PROMPT, Part.PROMPT, Part.ANSWER, Part.ANSWER, Part.END, Part.PROMPT]),
]


def model(folder):
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation=ROWS)


@pytest.mark.parametrize("chunk", [3, 1024])
def test_sums_and_gradients(tiny, monkeypatch, chunk):
    monkeypatch.setattr(loss_module, "CHUNK", chunk)
    batch = micro_batch(ROWS_OF)
    plain = model(tiny)
    logits = plain(input_ids=batch.ids, position_ids=batch.positions, row_lengths=batch.row_lengths).logits[0, :-1]
    losses = F.cross_entropy(logits, batch.labels[0, 1:], reduction="none", ignore_index=IGNORED)
    (0.3 * losses.sum()).backward()
    trained = CompletionLoss(model(tiny))
    total, sums = trained(batch)
    (0.3 * total).backward()
    assert total.item() == pytest.approx(losses.sum().item(), rel=1e-6)
    prompt, head, answer, end = (float(losses.detach()[batch.parts[0, 1:] == part].sum()) for part in Part)
    by_part = [prompt, head, answer + end]
    assert sums.tolist() == pytest.approx(by_part, rel=1e-5)
    for (name, expected), found in zip(plain.named_parameters(), trained.model.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-4, atol=1e-6, msg=name)


def test_a_model_that_changes_its_logits_is_refused(tiny):
    changing = model(tiny)
    changing.config.final_logit_softcapping = 30.0
    with pytest.raises(InputError, match="final_logit_softcapping"):
        CompletionLoss(changing)


def test_an_adapter_on_the_output_layer_is_refused_not_left_untrained(tiny):
    adapted = model(tiny)
    adapted.set_output_embeddings(torch.nn.Sequential(adapted.get_output_embeddings()))
    with pytest.raises(InputError, match=r"Sequential.*lora\.targets"):
        CompletionLoss(adapted)


def test_nothing_to_learn_gives_every_parameter_a_gradient_of_zero(tiny):
    trained = CompletionLoss(model(tiny))
    total, _ = trained(micro_batch([]))
    total.backward()
    assert total.item() == 0.0
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in trained.model.parameters())
