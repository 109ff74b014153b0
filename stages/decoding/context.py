"""Text tokenized as it stands in its context: heads of the assistant's turn, openings of a role prompt, choices.

A piece of text has other tokens alone than where it stands: Mistral's and Llama-2's tokenizers put a space before
whatever they are given (`▁From`, where `From` follows a line end), and byte-level ones make one token of a blank line
that ends a text and two of one that a word follows. Everything here therefore tokenizes the whole text and cuts it by
character offsets.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from stages.chat import self_prompt
from stages.chat.marks import Span, control_marks, encode, hidden
from stages.chat.rendering import before_answer, pieces_around


def decoded(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(list(ids), skip_special_tokens=True))


def opened(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> str:
    """The text up to where the content of the assistant's next turn begins, control marks that turns quote hidden.

    It holds what a template writes between its generation prompt and the content, such as Llama-2's space after
    ``[/INST]``.
    """
    return "".join(before_answer(tokenizer, turns))


def next_question(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """The text by which an answer runs on into another question; None where special tokens mark the turns.

    Our own templates write ``### Question:`` on a line of its own, and a base model goes on with one after its answer.
    """
    after, between = pieces_around(tokenizer, 2)[2], pieces_around(tokenizer, 3)[2]
    mark = between.removeprefix(after).strip().rstrip(":")
    special = any(token in mark for token in tokenizer.get_added_vocab())
    return f"\n{mark}" if between.startswith(after) and mark and not special else None


def continuations(
    tokenizer: PreTrainedTokenizerBase, before: str, texts: Sequence[str], *, plain: bool = False
) -> tuple[list[int], list[list[int]]]:
    """Ids of a text, and of each of several that may follow it; together they are the ids of the whole.

    Where a token reaches from one into the other, it counts to what follows, for all of the texts alike.

    Args:
        tokenizer: The model's.
        before: What stands before, as :func:`opened` gives it: control marks that data quote are hidden.
        texts: What may follow, as it is.
        plain: Whether the text is no rendered chat, so that the tokenizer adds the special tokens it adds by itself.
    """
    marks = control_marks(tokenizer)
    encoded = [encode(tokenizer, before + hidden(text, marks), marks, plain) for text in texts]
    kept = min(_within(spans, len(before)) for _, spans in encoded)
    first = encoded[0][0]
    while any(ids[:kept] != first[:kept] for ids, _ in encoded):
        kept -= 1
    return first[:kept], [ids[kept:] for ids, _ in encoded]


def role_openings(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> list[int]:
    """Tokens by which a role prompt can begin at the head of the assistant's next turn."""
    marks = control_marks(tokenizer)
    before, lead = before_answer(tokenizer, turns)
    found = set()
    for text in (before + lead, before, f"{before} "):
        ids, spans = encode(tokenizer, text + self_prompt.OPENING, marks)
        found.add(ids[_within(spans, len(before))])
    return sorted(found)


def _within(spans: Sequence[Span], length: int) -> int:
    """How many of the first tokens end within a text's first characters."""
    return next((place for place, (_, end) in enumerate(spans) if end > length), len(spans))


def role_in(text: str) -> str | None:
    """The role prompt that a text opens with, or None; without the beginning of a character that a limit cut."""
    role, _ = self_prompt.split(text)
    return role.rstrip("\ufffd").rstrip() if role else None


class RoleEnd:
    """Ends a text that is written at the head of a turn where its role prompt ends, or where it cannot be one."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, lead: str) -> None:
        self._tokenizer, self._lead = tokenizer, lead

    def __call__(self, ids: Sequence[int]) -> bool:
        text, opening = self._text(ids), self_prompt.OPENING
        return not (opening.startswith(text) or text.startswith(opening)) or "\n\n" in text

    def role(self, ids: Sequence[int]) -> str | None:
        """The role prompt among what was written, or None."""
        return role_in(self._text(ids))

    def _text(self, ids: Sequence[int]) -> str:
        return decoded(self._tokenizer, ids).removeprefix(self._lead)


class QuestionEnd:
    """Ends an answer where it runs on into a question of its own."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, mark: str) -> None:
        self._tokenizer, self.mark = tokenizer, mark
        self._most_tokens = len(mark.encode()) + 4

    def __call__(self, ids: Sequence[int]) -> bool:
        recent = decoded(self._tokenizer, ids[-self._most_tokens :])
        return self.mark.strip() in recent and self.cut(decoded(self._tokenizer, ids)) is not None

    def cut(self, text: str) -> str | None:
        """The text before the question; None where there is none."""
        before, found, _ = f"\n{text}".partition(self.mark)
        return before[1:] if found else None

    def tokens(self, ids: Sequence[int], text: str) -> int:
        """How many of the tokens it takes to write a beginning of their text."""
        return next(count for count in range(len(ids) + 1) if len(decoded(self._tokenizer, ids[:count])) >= len(text))
