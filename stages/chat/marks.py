"""Control marks that data quote: a user who writes about ``<|im_end|>`` does not end the turn.

A chat template writes control marks as text, and tokenizers turn them into control tokens wherever they stand. So those
in the data are replaced by names of private-use characters before the template sees them. Text that quotes none is
tokenized as it is. Text that does is tokenized by a copy of the tokenizer that knows the control tokens by other names:
the template's own marks take these names, and what the data quote is left with nothing but its letters.
"""

import json
import re
from functools import lru_cache

from tokenizers import Encoding, Tokenizer
from transformers import PreTrainedTokenizerBase

OPEN, CLOSE = "\ue010", "\ue011"
"""Around the number of a mark that data quote, and around a control token's other name."""

Span = tuple[int, int]
"""The characters of a text at which a token begins and ends."""


def control_marks(tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """The texts of control tokens, longest first: those called special, and others that the chat template writes."""
    return _marks_of(tokenizer, str(tokenizer.chat_template or ""))


@lru_cache(maxsize=8)
def _marks_of(tokenizer: PreTrainedTokenizerBase, template: str) -> tuple[str, ...]:
    found = {
        token.content
        for token in tokenizer.added_tokens_decoder.values()
        if token.content.strip() and (token.special or token.content in template)
    }
    return tuple(sorted(found, key=lambda mark: (-len(mark), mark)))


def hidden(text: str, marks: tuple[str, ...]) -> str:
    """Data as the template may see them: each control mark by its number."""
    if not any(mark in text for mark in marks):
        return text
    return _any_of(marks).sub(lambda found: f"{OPEN}{marks.index(found[0])}{CLOSE}", text)


def shown(text: str, marks: tuple[str, ...]) -> str:
    """A rendered text with the marks that the data quote."""
    return re.sub(f"{OPEN}(\\d+){CLOSE}", lambda found: marks[int(found[1])], text)


def encode(
    tokenizer: PreTrainedTokenizerBase, text: str, marks: tuple[str, ...], special: bool = False
) -> tuple[list[int], list[Span]]:
    """Ids of a rendered text in which quoted marks are hidden, and where in it each token stands: both ``[length]``.

    ``special`` is for text that no template wrote: the tokenizer then adds the special tokens that it adds by itself.
    """
    if OPEN not in text:
        encoded = tokenizer(text, add_special_tokens=special, return_offsets_mapping=True)
        return list(encoded["input_ids"]), list(encoded["offset_mapping"])
    renamed, places = _renamed_marks(text, marks)
    encoding: Encoding = _renaming(tokenizer, marks).encode(renamed, add_special_tokens=special)
    return encoding.ids, [(places[begin][0], places[max(begin, end - 1)][1]) for begin, end in encoding.offsets]


def first_character(span: Span, text: str) -> int:
    """A token's first character that is no space: "▁From" belongs to the part that "From" stands in."""
    begin, end = span
    while begin < end - 1 and text[begin] == " ":
        begin += 1
    return begin


def _renamed_marks(text: str, marks: tuple[str, ...]) -> tuple[str, list[Span]]:
    """The text as the renaming tokenizer takes it, and where in ``text`` each of its characters stands, and its end."""
    either = re.compile(f"{OPEN}(\\d+){CLOSE}|{_any_of(marks).pattern}")
    renamed, done = "", 0
    places: list[Span] = []
    for found in either.finditer(text):
        name = marks[int(found[1])] if found[1] else _other_name(found[0])
        renamed += text[done : found.start()] + name
        places += [(place, place + 1) for place in range(done, found.start())] + [found.span()] * len(name)
        done = found.end()
    places += [(place, place + 1) for place in range(done, len(text))]
    return renamed + text[done:], [*places, (len(text), len(text))]


@lru_cache(maxsize=2)
def _renaming(tokenizer: PreTrainedTokenizerBase, marks: tuple[str, ...]) -> Tokenizer:
    """The same tokenizer, its control tokens under other names."""
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    content |= {"truncation": None, "padding": None}
    names = {mark: _other_name(mark) for mark in marks}
    for token in content["added_tokens"]:
        token["content"] = names.get(token["content"], token["content"])
    model = content["model"]
    if isinstance(model["vocab"], dict):
        model["vocab"] = {names.get(piece, piece): index for piece, index in model["vocab"].items()}
    else:
        model["vocab"] = [[names.get(piece, piece), score] for piece, score in model["vocab"]]
    return Tokenizer.from_str(json.dumps(content))


def _other_name(mark: str) -> str:
    return f"{CLOSE}{mark}{OPEN}"


def _any_of(marks: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, marks)))
