"""Packed rows against each row alone, in the library's own attention written out."""

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    Qwen2Config,
)

from stages.chat.rendering import Part, Rendered
from stages.training import attention
from stages.training.attention import ROWS, attend_within_rows, by_kernel, implementation, in_blocks
from stages.training.rows import micro_batch

SMALL = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.3,  # attention far from even, so that windows and caps are seen
}
ARCHITECTURES = [
    LlamaConfig(**SMALL),
    MistralConfig(**SMALL, sliding_window=5),
    Qwen2Config(**{**SMALL, "num_key_value_heads": 4}),
    Gemma2Config(**SMALL, sliding_window=6, attn_logit_softcapping=0.5),
    Gemma3TextConfig(**SMALL, sliding_window=4, layer_types=["sliding_attention", "full_attention"]),
]
ROW_LENGTHS = (7, 3, 7, 12, 1)


def hidden(config: PreTrainedConfig, by: str, rows: list[Rendered]) -> tuple[torch.Tensor, torch.Tensor]:
    """Last hidden states of the rows in their order, and the gradient of a weighted sum of them in the embeddings."""
    torch.manual_seed(2)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float64, attn_implementation=by)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    packed = [micro_batch(rows)] if by == ROWS else [micro_batch([row]) for row in rows]
    own = [{"row_lengths": batch.row_lengths} if by == ROWS else {} for batch in packed]
    found = torch.cat(
        [
            model.get_decoder()(input_ids=batch.ids, position_ids=batch.positions, **more).last_hidden_state
            for batch, more in zip(packed, own, strict=True)
        ],
        dim=1,
    )
    (found * torch.randn(found.shape, dtype=torch.float64)).sum().backward()
    return found, model.get_input_embeddings().weight.grad


@pytest.mark.parametrize("block", [5, 256])
@pytest.mark.parametrize("config", ARCHITECTURES, ids=lambda config: config.model_type)
def test_a_row_in_a_pack_is_the_row_alone(config, block, monkeypatch):
    monkeypatch.setattr(attention, "BLOCK", block)
    chance = torch.Generator().manual_seed(4)
    rows = [
        Rendered(torch.randint(0, 97, (length,), generator=chance).tolist(), [Part.ANSWER] * length)
        for length in ROW_LENGTHS
    ]
    alone, packed = hidden(config, "eager", rows), hidden(config, ROWS, rows)
    torch.testing.assert_close(packed, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", [None, 90])
def test_blocks_and_the_kernel_for_other_devices_agree(window):
    torch.manual_seed(5)
    query, key, value = (torch.randn(1, heads, 300, 8, dtype=torch.float64) for heads in (6, 2, 2))
    torch.testing.assert_close(
        in_blocks(query, key, value, 0.4, 0.0, window), by_kernel(query, key, value, 0.4, 0.0, window)
    )


def test_what_it_does_not_know_is_refused_not_left_out():
    query = torch.zeros(1, 1, 2, 4)
    with pytest.raises(NotImplementedError, match="sinks"):
        attend_within_rows(torch.nn.Identity(), query, query, query, None, (2,), s_aux=torch.zeros(1))


def test_without_a_gpu_rows_are_attended_to_by_torch():
    assert implementation(torch.float32) == ROWS
