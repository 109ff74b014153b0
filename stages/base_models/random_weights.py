"""Models of small random weights, with a tokenizer whose tokens are bytes."""

from collections.abc import Callable

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from stages.base_models.preset import RandomModel

END, BEGIN = "<|end|>", "<|begin|>"
CONFIGS: dict[str, Callable[..., PreTrainedConfig]] = {
    "llama": LlamaConfig,
    "mistral": MistralConfig,
    "gemma3": Gemma3TextConfig,
}


def random_model(preset: RandomModel, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    tokenizer = byte_tokenizer()
    config = CONFIGS[preset.architecture](
        vocab_size=len(tokenizer),
        hidden_size=preset.hidden_size,
        intermediate_size=2 * preset.hidden_size,
        num_hidden_layers=preset.layers,
        num_attention_heads=preset.heads,
        num_key_value_heads=preset.key_value_heads,
        head_dim=preset.hidden_size // preset.heads,
        max_position_embeddings=4096,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, preset.dtype))
    return model, tokenizer


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Every byte is a token: nothing to train, and no text that it cannot write."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={byte: index for index, byte in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(END, special=True), AddedToken(BEGIN, special=True)])
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token=END, pad_token=END, bos_token=BEGIN)
