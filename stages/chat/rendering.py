"""Conversations as token ids with labels: what of them is prompt, role prompt, answer.

Training and inference tokenize the same text in the same way: a conversation is rendered once by the model's chat
template and tokenized once; which token belongs to which part follows from the character offsets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from transformers import PreTrainedTokenizerBase


class Part(IntEnum):
    """What a token is: only role and answer tokens are learnt."""

    PROMPT = 0
    ROLE = 1
    ANSWER = 2


@dataclass(frozen=True)
class Rendered:
    """Token ids and, for each, its part; both ``[length]``."""

    ids: list[int]
    parts: list[Part]

    @property
    def completion_tokens(self) -> int:
        return sum(part is not Part.PROMPT for part in self.parts)

    def truncated(self, length: int) -> "Rendered":
        return Rendered(self.ids[:length], self.parts[:length])


def messages(turns: Sequence[str]) -> list[dict[str, str]]:
    """Turns that alternate, the user's first, as chat messages."""
    return [{"role": ("user", "assistant")[index % 2], "content": turn} for index, turn in enumerate(turns)]


def render_prompt(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> str:
    """The text that stands before the assistant's next turn."""
    text = tokenizer.apply_chat_template(messages(turns), tokenize=False, add_generation_prompt=True)
    assert isinstance(text, str)
    return text


def tokenize(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of text in which the template has already written the special tokens, a BOS included."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def render(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str], role: str | None) -> Rendered:
    """A conversation with its role prompt, if any, already at the head of the first assistant's turn.

    Learnt are the assistant's turns, each with the token that ends it; not learnt is what the template writes
    around them. ``role`` only tells which characters are role prompt.
    """
    text, spans = _spans(tokenizer, turns, role)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    parts, place = [], 0
    for start, _ in encoded["offset_mapping"]:
        while place + 1 < len(spans) and start >= spans[place + 1][0]:
            place += 1
        parts.append(spans[place][1])
    return Rendered(encoded["input_ids"], parts)


def _spans(
    tokenizer: PreTrainedTokenizerBase, turns: Sequence[str], role: str | None
) -> tuple[str, list[tuple[int, Part]]]:
    """The rendered text, and where in it each part begins, in order."""
    text, spans = "", [(0, Part.PROMPT)]
    end = tokenizer.eos_token
    for index in range(1, len(turns), 2):
        before = render_prompt(tokenizer, turns[:index])
        text = _rendered(tokenizer, turns[: index + 1])
        if not text.startswith(before):
            raise ValueError("the chat template changes earlier text when a turn is added; it cannot be masked")
        begin = len(before)
        stop = text.find(end, begin + len(turns[index].strip()))
        if stop < 0:
            raise ValueError(f"the chat template does not end the assistant's turn with {end!r}")
        if role is not None and index == 1:
            spans += [(begin, Part.ROLE), (begin + len(role), Part.ANSWER)]
        else:
            spans.append((begin, Part.ANSWER))
        spans.append((stop + len(end), Part.PROMPT))
    return text, spans


def _rendered(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> str:
    text = tokenizer.apply_chat_template(messages(turns), tokenize=False)
    assert isinstance(text, str)
    return text
