"""Prompts that begin the answer are tokenized as training tokenizes an answer."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from stages.chat.rendering import tokenize
from stages.decoding.prompting import begun


@pytest.fixture(scope="module")
def tokenizer():
    """As of GPT-2 and SmolLM: bytes, and one token for two line ends where these are not parted."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {byte: index for index, byte in enumerate([*alphabet, "ĊĊ"])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ċ", "Ċ")]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=core)


@pytest.mark.parametrize("text", ["From now on, you are a cook.\n\n", "Let's think.\n\n", "é\n\n", "no blank line"])
def test_a_begun_answer_has_the_ids_that_training_gives_it(tokenizer, text):
    whole = tokenize(tokenizer, f"{text}Answer: B")
    ids = begun(tokenizer, text)
    assert ids == whole[: len(ids)]
    assert tokenizer.decode(ids) == text


def test_the_blank_line_that_ends_a_text_would_be_another_token(tokenizer):
    text = "a cook.\n\n"
    assert len(begun(tokenizer, text)) == len(tokenize(tokenizer, text)) + 1
