"""Attention that skips padding, against the library's own, loaded by itself."""

import json
from itertools import pairwise

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from stages.base_models.loading import byte_tokenizer
from stages.decoding import attention
from stages.decoding.attention import ARCHITECTURES, RIGHT_ALIGNED, PackedRows, layer, parts
from stages.decoding.cache import BLOCK, ColumnsLayer, PreallocatedLayer, joined
from stages.decoding.generating import Chooser, Prompt, generate, last_logits, logits_from
from stages.decoding.model import load
from stages.decoding.parameters import Decoding
from stages.decoding.prefilling import read

LENGTHS = (3, 70, 41, 9, 40, 64, 5)
WINDOW = 24
"""Fewer positions than most rows have."""

HEADS = {"few": (6, 2), "each its own": (4, 4), "many": (14, 2)}
"""Of queries and of keys: up to six queries of a head go through embedding bags, more do not."""


def random_folder(architecture, folder, heads=(6, 2), window=None):
    tokenizer = byte_tokenizer()
    settings = {
        "vocab_size": len(tokenizer),
        "hidden_size": 8 * heads[0],
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": heads[0],
        "num_key_value_heads": heads[1],
        "head_dim": 8,
        "max_position_embeddings": 512,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if window:
        settings["sliding_window"] = window
    if window and architecture in ("gemma3_text", "qwen2", "qwen3"):
        settings["layer_types"] = ["sliding_attention", "full_attention", "sliding_attention"]
        settings["use_sliding_window"] = True
    config = AutoConfig.for_model(architecture, **settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        model = AutoModelForCausalLM.from_config(config)
        for name, weight in model.named_parameters():
            # As initialized, every score is nearly zero, and attention a mean that errors do not show in.
            if "q_proj" in name or "k_proj" in name:
                torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def sequences(lengths=LENGTHS):
    generator = torch.Generator().manual_seed(7)
    return [torch.randint(0, 255, (length,), generator=generator).tolist() for length in lengths]


def library(folder, dtype="float32"):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype), attn_implementation="eager").eval()


def ours(folder, dtype="float32"):
    return load(folder, Decoding(dtype=dtype, batch_tokens=4096, threads=1))


@torch.inference_mode()
def logits_along(loaded, rows, new):
    """Logits after each of some last tokens, fed one by one to all rows at once: ``[rows, new, vocabulary]``."""
    cache, lengths = joined(read([row[:-new] for row in rows], loaded), new, layer(loaded.model))
    found = []
    for place in range(new):
        ids = torch.tensor([[row[len(row) - new + place]] for row in rows])
        found.append(last_logits(loaded, ids, lengths, cache))
        lengths = lengths + 1
    return torch.stack(found, dim=1)


@torch.inference_mode()
def of_the_library(folder, rows, new, dtype):
    """What :func:`logits_along` gives, each row alone and without a cache."""
    model = library(folder, dtype)
    return torch.stack([model(torch.tensor([row])).logits[0, -new:].float() for row in rows])


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize(
    ("architecture", "window"),
    [(name, window) for name in sorted(ARCHITECTURES) for window in (None, WINDOW) if not window or name != "llama"],
)
def test_logits_of_padded_rows_equal_the_librarys_of_each_alone(architecture, window, heads, tmp_path):
    folder = random_folder(architecture, tmp_path / "model", heads, window)
    rows, new = sequences(), 3
    exact = of_the_library(folder, rows, new, "float32")
    assert float(exact.std()) > 0.05
    assert ours(folder).skips_padding
    assert float((logits_along(ours(folder), rows, new) - exact).abs().max() / exact.std()) < 1e-4
    # In bfloat16 either rounds in its own order: ours may be as far from float32 as the library's is.
    errors = [
        float((logits - exact).pow(2).mean().sqrt())
        for logits in (logits_along(ours(folder, "bfloat16"), rows, new), of_the_library(folder, rows, new, "bfloat16"))
    ]
    assert errors[0] < 1.25 * errors[1]
    assert errors[1] < 0.25 * float(exact.std())


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES - {"llama", "mistral"}))
@torch.inference_mode()
def test_a_pass_that_crosses_the_window_masks_full_layers_and_sliding_ones_apart(architecture, tmp_path):
    folder = random_folder(architecture, tmp_path / "model", window=WINDOW)
    rows, new = sequences((WINDOW + 16, WINDOW + 10)), WINDOW + 6
    loaded = ours(folder)
    cache, lengths = joined(read([row[:-new] for row in rows], loaded), new)
    found = logits_from(loaded, torch.tensor([row[-new:] for row in rows]), lengths, cache, 0)
    exact = of_the_library(folder, rows, new, "float32")
    assert float((found - exact).abs().max() / exact.std()) < 1e-4


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
def test_attention_that_read_padding_would_be_seen(heads, tmp_path, monkeypatch):
    folder = random_folder("llama", tmp_path / "model", heads)
    rows = sequences()
    right = logits_along(ours(folder), rows, 2)
    monkeypatch.setattr(PackedRows, "bias", lambda *args: None)
    wrong = logits_along(ours(folder), rows, 2)
    assert float((right - wrong).abs().max() / right.std()) > 0.05


@pytest.mark.parametrize("architecture", ["llama", "gemma3_text"])
def test_greedy_answers_of_a_batch_equal_the_librarys_alone(architecture, tmp_path):
    """Rows leave, and what they leave behind is closed up, while keys stand in columns over several blocks."""
    folder = random_folder(architecture, tmp_path / "model", window=WINDOW if architecture != "llama" else None)
    loaded, reference = ours(folder), library(folder)
    limits = (40, 3, 75, 1, 40, 20, 9)
    prompts = [Prompt(row, limit) for row, limit in zip(sequences(), limits, strict=True)]
    places = list(range(len(prompts)))
    answers = generate(loaded, prompts, Chooser(None, places), places, lambda tokens: None)
    for prompt, completion in zip(prompts, answers, strict=True):
        written = reference.generate(
            torch.tensor([prompt.ids]),
            max_new_tokens=prompt.max_new_tokens,
            do_sample=False,
            eos_token_id=sorted(loaded.stops),
        )[0, len(prompt.ids) :].tolist()
        assert completion.ids == [token for token in written if token not in loaded.stops]
        # What is left behind is what a whole pass leaves: choices are scored after it.
        read_anew = read([(prompt.ids + completion.ids)[: completion.past[0][0].shape[1]]], loaded)[0]
        for kept, anew in zip(completion.past, read_anew, strict=True):
            torch.testing.assert_close(kept, anew, atol=5e-5, rtol=1e-4)


def test_keys_stand_in_columns_only_where_a_bag_is_faster(tmp_path):
    for name, heads in HEADS.items():
        folder = random_folder("llama", tmp_path / name, heads)
        assert layer(ours(folder).model) is (PreallocatedLayer if name == "many" else ColumnsLayer)
        assert layer(ours(folder, "bfloat16").model) is PreallocatedLayer
        assert layer(library(folder)) is PreallocatedLayer


def test_an_architecture_that_was_not_tested_keeps_the_librarys_attention(tmp_path):
    folder = random_folder("llama", tmp_path / "model")
    config = AutoConfig.from_pretrained(folder)
    assert attention.implementation(config, torch.device("cpu")) == RIGHT_ALIGNED
    assert attention.implementation(config, torch.device("cuda")) is None
    (folder / "config.json").write_text(
        json.dumps(json.loads((folder / "config.json").read_text()) | {"model_type": "olmo2"})
    )
    assert attention.implementation(AutoConfig.from_pretrained(folder), torch.device("cpu")) is None


@pytest.mark.parametrize("begin", [0, 1, BLOCK - 1, BLOCK, BLOCK + 5])
def test_a_layer_of_columns_holds_what_a_plain_one_does(begin):
    generator = torch.Generator().manual_seed(3)
    rows, heads, tokens, width, reserved = 4, 2, 2 * BLOCK - 3, 5, 4 * BLOCK + 10
    drawn = torch.randn(2, rows, heads, tokens, width, generator=generator)
    layers = PreallocatedLayer(reserved), ColumnsLayer(reserved)
    for kept in layers:
        kept.lazy_initialization(*drawn)
        for row in range(rows):
            # Each row is shorter by one than that before it: what stands before it must be zero.
            kept.put(row, begin + row, drawn[0, row, :, row:], drawn[1, row, :, row:])
        kept.filled = begin + tokens
    for step in range(BLOCK // 2):
        new = torch.randn(2, rows if step < 5 else 2, heads, 1, width, generator=generator)
        for kept in layers:
            if step == 5:
                kept.keep([3, 1])
            kept.update(*new)
    plain, columns = layers
    assert plain.filled == columns.filled == plain.get_seq_length()
    for row, begins in enumerate((begin + 3, begin + 1)):
        assert not columns.row(row, 0, begins)[0].any()
        at = (row, 0, plain.filled)
        for found, expected in zip(columns.row(*at), plain.row(*at), strict=True):
            assert torch.equal(found, expected)


def test_rows_are_parted_where_that_saves_reading(monkeypatch):
    monkeypatch.setattr(attention, "WORTH_A_PART", 10)
    parts.cache_clear()
    assert parts((0, 0, 0)) == [(0, 3)]
    assert parts((0, 0, 20, 20)) == [(0, 2), (2, 4)]
    assert parts((20, 20, 0, 0)) == [(0, 2), (2, 4)]
    assert parts((0, 5)) == [(0, 2)]  # five positions are not worth another call
    padding = (90, 3, 40, 41, 44, 0, 0, 77, 60)
    found = parts(padding)
    assert found[0][0] == 0
    assert found[-1][1] == len(padding)
    assert all(end == begin for (_, end), (begin, _) in pairwise(found))
    read_apart = sum((end - begin) * (100 - min(padding[begin:end])) for begin, end in found)
    assert read_apart < len(padding) * 100
    parts.cache_clear()
