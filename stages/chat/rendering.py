"""Conversations as token ids with labels: what of them is prompt, role prompt, answer, end of turn.

Training and inference tokenize the same text in the same way: a conversation is rendered by the model's chat template
and tokenized as a whole; which token belongs to which part follows from its place in the text. A second rendering, of
short placeholders, shows what the template writes around the turns. The conversation must be just that with the turns
put in, or the template is refused.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from stages.chat.marks import control_marks, encode, first_character, hidden, shown
from stages.core.errors import InputError

PLACEHOLDER = "\ue000{}\ue001"
"""In place of a turn: private-use characters, which no template writes."""
WORD = "From"
"""What an answer may begin with."""
SHOWN = 60
"""Characters of a text that a message shows."""


class Part(IntEnum):
    """What a token is; all but the prompt is learnt. ``ROLE`` is whatever stands at the head of the first answer."""

    PROMPT = 0
    ROLE = 1
    ANSWER = 2
    END = 3


@dataclass(frozen=True)
class Rendered:
    """Token ids and, for each, its part; both ``[length]``."""

    ids: list[int]
    parts: list[Part]

    @property
    def completion_tokens(self) -> int:
        return sum(part is not Part.PROMPT for part in self.parts)


def render_prompt(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> str:
    """The text that stands before the assistant's next turn, an empty thought included if the template writes one."""
    return shown(before_answer(tokenizer, turns)[0], control_marks(tokenizer))


def tokenize(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of text in which the template has already written the special tokens, a BOS included."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def tokenize_prompt(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str], begun: str = "") -> list[int]:
    """Ids of :func:`render_prompt` and of what the assistant's turn begins with, as they are before a word.

    They are those of :func:`tokenize` but for two things. Control marks that the turns quote are text here. And white
    space at the end is tokenized as it would be before a word: some tokenizers take two line breaks as one token at the
    end of a text and as two elsewhere.
    """
    marks = control_marks(tokenizer)
    text, blank = before_answer(tokenizer, turns)
    text += blank + hidden(begun, marks) if begun else ""
    longer = text + WORD if text[-1:].isspace() else text
    ids, spans = encode(tokenizer, longer, marks)
    return [token for token, span in zip(ids, spans, strict=True) if first_character(span, longer) < len(text)]


def render(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str], head: str | None) -> Rendered:
    """A conversation whose first assistant's turn opens with ``head``, a role prompt for instance, if there is one.

    Learnt are the assistant's turns, each with the mark that ends it: the last always has one, the others where the
    template writes it after them too. What the template writes around them is prompt. ``head`` only tells which
    characters of the turn are the head.

    Raises:
        InputError: The chat template cannot be used, or changes this conversation's text.
    """
    marks = control_marks(tokenizer)
    contents = [hidden(turn, marks) for turn in turns]
    pieces, generation = pieces_around(tokenizer, len(turns)), pieces_around(tokenizer, 1, generation=True)[-1]
    text = _apply(tokenizer, contents)
    end = _end_mark(tokenizer, pieces[-1], marks)
    spans = [(0, Part.PROMPT)]
    for index, (begin, stop) in enumerate(_places(tokenizer, text, pieces, contents)):
        if index % 2 == 0:
            continue
        spans.append((begin - _blank_after(pieces[index], generation), Part.ANSWER))
        if head is not None and index == 1:
            opening = hidden(head.strip(), marks)
            spans[-1:] = [(spans[-1][0], Part.ROLE), (text.index(opening, begin) + len(opening), Part.ANSWER)]
        after = pieces[index + 1]
        if after.lstrip().startswith(end):
            spans += [(stop, Part.END), (stop + after.index(end) + len(end), Part.PROMPT)]
        else:
            spans.append((stop, Part.PROMPT))
    ids, tokens = encode(tokenizer, text, marks)
    begins = [begin for begin, _ in spans]
    # A token belongs to the span in which it begins.
    places = [bisect_right(begins, first_character(token, text)) - 1 for token in tokens]
    return Rendered(ids, [spans[place][1] for place in places])


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> str:
    """The mark that ends an assistant's turn: not always the tokenizer's end of sequence (Gemma, Phi-3)."""
    return _end_mark(tokenizer, pieces_around(tokenizer, 2)[-1], control_marks(tokenizer))


def stops(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end an answer: the end of sequence, and the end of a turn where the template has another."""
    found = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(end_of_turn(tokenizer))}
    return sorted(token for token in found if isinstance(token, int))


def before_answer(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> tuple[str, str]:
    """The text before the assistant's next turn, and the white space by which the template opens that turn.

    Control marks that the turns quote are hidden in the text (:mod:`stages.chat.marks`), as tokenizing wants them.
    """
    generation = pieces_around(tokenizer, len(turns), generation=True)[-1]
    before = pieces_around(tokenizer, len(turns) + 1)[-2]
    if not before.startswith(generation):
        raise refused(tokenizer, f"asks for an answer with {_cut(generation)}, and writes {_cut(before)} before one")
    marks = control_marks(tokenizer)
    text, added = _apply(tokenizer, [hidden(turn, marks) for turn in turns], True), before[len(generation) :]
    return (text + added, "") if added.strip() else (text, added)


def _blank_after(before: str, generation: str) -> int:
    """How many characters of white space stand between prompt and answer, if nothing else does.

    They are the model's to write: a tokenizer may join them with what follows.
    """
    added = before.removeprefix(generation)
    return len(added) if before.startswith(generation) and not added.strip() else 0


def pieces_around(tokenizer: PreTrainedTokenizerBase, turns: int, generation: bool = False) -> list[str]:
    """What the template writes before, between and after so many turns: one text more than there are turns."""
    return _pieces_of(tokenizer, str(tokenizer.chat_template), turns, generation)


@lru_cache(maxsize=64)
def _pieces_of(tokenizer: PreTrainedTokenizerBase, template: str, turns: int, generation: bool) -> list[str]:
    names = [PLACEHOLDER.format(index) for index in range(turns)]
    text, pieces = _apply(tokenizer, names, generation), []
    for name in names:
        before, found, text = text.partition(name)
        if not found:
            raise refused(tokenizer, "leaves out a turn of a conversation, or changes it")
        pieces.append(before)
    if any(PLACEHOLDER[0] in piece for piece in [*pieces, text]):
        raise refused(tokenizer, "writes a turn of a conversation twice")
    return [*pieces, text]


def _places(
    tokenizer: PreTrainedTokenizerBase, text: str, pieces: Sequence[str], contents: Sequence[str]
) -> list[tuple[int, int]]:
    """Where each turn begins and ends in the text, as it is or without the white space around it."""
    places, place = [], 0
    for index, content in enumerate(contents):
        begin = place + len(pieces[index])
        for kept in (content, content.strip(), content.lstrip(), content.rstrip()):
            if text.startswith(pieces[index] + kept + pieces[index + 1], place):
                place = begin + len(kept)
                break
        else:
            raise refused(tokenizer, f"changes a turn of a conversation, which begins {_cut(content)}")
        places.append((begin, place))
    if text[place:] != pieces[-1]:
        raise refused(tokenizer, "writes more after a conversation than after its placeholders")
    return places


def _end_mark(tokenizer: PreTrainedTokenizerBase, after: str, marks: tuple[str, ...]) -> str:
    found = next((mark for mark in marks if after.lstrip().startswith(mark)), None)
    if found is None:
        fault = f"ends the assistant's turn with {_cut(after)}, in which no control token of the tokenizer comes first"
        raise refused(tokenizer, fault)
    return found


def _apply(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str], generation: bool = False) -> str:
    messages = [{"role": ("user", "assistant")[index % 2], "content": turn} for index, turn in enumerate(turns)]
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generation)
    except Exception as error:  # a template is a program of others: it may fail in any way
        kind = f"{type(error).__name__}: {error}"[:200]
        raise refused(tokenizer, f"fails on a conversation of {len(turns)} turns ({kind})") from error
    assert isinstance(text, str)
    return text


def _cut(text: str) -> str:
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


def refused(tokenizer: PreTrainedTokenizerBase, fault: str) -> InputError:
    """The error that names the template, its fault and what to do."""
    return InputError(
        f"{tokenizer.name_or_path or 'the tokenizer'}: its chat template {fault}: mend the template, or set "
        "`chat_template` of this model in params.yaml to one of stages/chat/jinja, such as plain"
    )
