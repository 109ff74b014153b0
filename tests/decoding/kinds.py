"""Tokenizers of each kind that models have, with real vocabularies, and a chat template of their own kind.

SmolLM2's and Mistral-7B's are the real ones. Llama-2's kind has Mistral's vocabulary under Llama-2's normaliser and the
template of its chat version, which puts a space before each answer. Gemma's kind has that vocabulary with a token for a
blank line, and puts no space before texts.
"""

import json
from functools import cache

from tokenizers import AddedToken, Tokenizer
from transformers import PreTrainedTokenizerFast

from stages.chat.templates import chat_template
from tests.chat.test_golden import tokenizer as real_tokenizer

KINDS = ("smollm2-135m", "mistral-7b", "llama-2", "gemma-3")

LLAMA_2_CHAT = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + message['content'] | trim + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] | trim + ' ' + eos_token }}{% endif %}{% endfor %}"
)
SPACES = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
NORMALIZERS = {
    "llama-2": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, SPACES]},
    "gemma-3": SPACES,
}


@cache
def tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """One for all tests, which change nothing in it."""
    if kind not in NORMALIZERS:
        return real_tokenizer(kind)
    content = json.loads(real_tokenizer("mistral-7b").backend_tokenizer.to_str())
    content |= {"normalizer": NORMALIZERS[kind], "pre_tokenizer": None}
    core = Tokenizer.from_str(json.dumps(content))
    if kind == "gemma-3":
        core.add_tokens([AddedToken("\n\n", normalized=False)])
    loaded = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>")
    loaded.chat_template = LLAMA_2_CHAT if kind == "llama-2" else chat_template("plain", None, kind)
    return loaded
