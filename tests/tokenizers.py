"""Tokenizers of real models, from tests/chat/tokenizers, and chat templates of the kinds that models come with."""

import lzma
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from stages.chat.templates import chat_template

FOLDER = Path(__file__).parent / "chat/tokenizers"
SPECIAL = {
    "smollm2-135m": ("<|im_start|>", "<|im_end|>"),
    "mistral-7b": ("<s>", "</s>"),
    "gemma-3": ("<bos>", "<eos>"),
}
"""Begin and end of sequence."""

_CHATML = """
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' -}}
THOUGHT{{- message.content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}LAST
"""
TEMPLATES = {
    # Qwen 3's shape: an empty thought, before the last answer alone.
    "thought": _CHATML.replace(
        "THOUGHT",
        "{%- if loop.last and message.role == 'assistant' -%}{{- '<think>\\n\\n</think>\\n\\n' -}}{%- endif -%}",
    ).replace("LAST", ""),
    # Phi-3's: an end mark a turn, and the end of the sequence at the very end.
    "two ends": _CHATML.replace("THOUGHT", "").replace(
        "LAST", "{%- if not add_generation_prompt -%}{{- '<|endoftext|>' -}}{%- endif -%}"
    ),
    # OLMo's: the end of the sequence after the last answer alone.
    "last end": """
{%- for message in messages -%}
{{- '<|' + message.role + '|>\\n' + message.content -}}
{%- if not loop.last -%}{{- '\\n' -}}{%- elif message.role == 'assistant' -%}{{- eos_token -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '\\n<|assistant|>\\n' -}}{%- endif -%}
""",
    # Gemma's: the assistant is the model, and a turn does not end with the end of the sequence.
    "gemma": """
{{- bos_token -}}
{%- for message in messages -%}
{{- '<start_of_turn>' + ('model' if message.role == 'assistant' else 'user') + '\\n' -}}
{{- message.content | trim + '<end_of_turn>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}
""",
    # Mistral's: no generation prompt, and a space before the answer.
    "instruct": """
{{- bos_token -}}
{%- for message in messages -%}
{%- if message.role == 'user' -%}{{- '[INST] ' + message.content + ' [/INST]' -}}
{%- else -%}{{- ' ' + message.content + eos_token -}}{%- endif -%}
{%- endfor -%}
""",
}


@cache
def _core(name: str) -> str:
    return lzma.decompress((FOLDER / f"{name}.json.xz").read_bytes()).decode()


def tokenizer(name: str, template: str | None = None) -> PreTrainedTokenizerFast:
    """A real tokenizer with a template of :data:`TEMPLATES`; None for the model's own, or ours where it has none."""
    begin, end = SPECIAL[name]
    loaded = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(_core(name)), bos_token=begin, eos_token=end)
    own = FOLDER / f"{name}.jinja"
    if template is not None:
        loaded.chat_template = TEMPLATES[template]
    else:
        loaded.chat_template = own.read_text(encoding="utf-8") if own.is_file() else chat_template("plain", None, name)
    return loaded
