"""Text tokenized as it stands in its context: heads of the assistant's turn, openings of a role prompt, choices.

A piece of text has other tokens alone than where it stands: Mistral's and Llama-2's tokenizers put a space before
whatever they are given (`▁From`, where `From` follows a line end), and byte-level ones make one token of a blank line
that ends a text and two of one that a word follows. Everything here therefore tokenizes the whole text and cuts it by
character offsets.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from stages.chat import self_prompt
from stages.chat.rendering import messages, render_prompt, tokenize

Offset = tuple[int, int]

FOLLOWING = "The"
"""How an answer may begin."""

CONTENT = "From now on, this is what a message says."
"""A message that tells what a template writes around messages."""


def opened(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> str:
    """The text up to where the content of the assistant's next turn begins.

    Beyond :func:`render_prompt` this holds what a template writes between its generation prompt and the content, such
    as Llama-2's space after ``[/INST]``.
    """
    before = render_prompt(tokenizer, turns)
    whole = _rendered(tokenizer, [*turns, CONTENT])
    begin = whole.find(CONTENT, len(before))
    return whole[:begin] if whole.startswith(before) and begin >= 0 else before


def lead_of(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> str:
    """What a template writes between its generation prompt and the content of the assistant's turn."""
    return opened(tokenizer, turns).removeprefix(render_prompt(tokenizer, turns))


def next_question(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """The text by which an answer runs on into another question; None where special tokens mark the turns.

    Our own templates write ``### Question:`` on a line of its own, and a base model goes on with one after its answer.
    """
    whole, longer = (_rendered(tokenizer, ["a", "b", *more]) for more in ([], [CONTENT]))
    if not longer.startswith(whole) or CONTENT not in longer:
        return None
    mark = longer[len(whole) : longer.index(CONTENT)].strip().rstrip(":")
    special = any(token in mark for token in tokenizer.get_added_vocab())
    return None if special or not mark else f"\n{mark}"


def begun(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of a text that ends within the assistant's turn, as they are where an answer follows."""
    ids, offsets = _encoded(tokenizer, text + FOLLOWING)
    kept = _within(offsets, len(text))
    return ids[:kept] if offsets[kept][0] == len(text) else tokenize(tokenizer, text)


def continuations(
    tokenizer: PreTrainedTokenizerBase, before: str, texts: Sequence[str], *, plain: bool = False
) -> tuple[list[int], list[list[int]]]:
    """Ids of a text, and of each of several that may follow it; together they are the ids of the whole.

    Where a token reaches from one into the other, it counts to what follows, for all of the texts alike.

    Args:
        tokenizer: The model's.
        before: What stands before.
        texts: What may follow.
        plain: Whether the text is no rendered chat, so that the tokenizer adds the special tokens it adds by itself.
    """
    encoded = [_encoded(tokenizer, before + text, plain) for text in texts]
    kept = min(_within(offsets, len(before)) for _, offsets in encoded)
    first = encoded[0][0]
    while any(ids[:kept] != first[:kept] for ids, _ in encoded):
        kept -= 1
    return first[:kept], [ids[kept:] for ids, _ in encoded]


def role_openings(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> list[int]:
    """Tokens by which a role prompt can begin at the head of the assistant's next turn."""
    before = render_prompt(tokenizer, turns)
    found = set()
    for text in (opened(tokenizer, turns), before, f"{before} "):
        ids, offsets = _encoded(tokenizer, text + self_prompt.OPENING)
        found.add(ids[_within(offsets, len(before))])
    return sorted(found)


def role_in(text: str) -> str | None:
    """The role prompt that a text opens with, or None; without the beginning of a character that a limit cut."""
    role, _ = self_prompt.split(text)
    return role.rstrip("\ufffd").rstrip() if role else None


class RoleEnd:
    """Ends a text that is written at the head of a turn where its role prompt ends, or where it cannot be one."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, lead: str) -> None:
        self._tokenizer, self._lead = tokenizer, lead

    def __call__(self, ids: Sequence[int]) -> bool:
        text = self._text(ids)
        opening = self_prompt.OPENING
        return not (opening.startswith(text) or text.startswith(opening)) or "\n\n" in text

    def role(self, ids: Sequence[int]) -> str | None:
        """The role prompt among what was written, or None."""
        return role_in(self._text(ids))

    def _text(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True)).removeprefix(self._lead)


class QuestionEnd:
    """Ends an answer where it runs on into a question of its own."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, mark: str) -> None:
        self._tokenizer, self.mark = tokenizer, mark
        self._most_tokens = len(mark.encode()) + 4

    def __call__(self, ids: Sequence[int]) -> bool:
        recent = self._text(ids[-self._most_tokens :])
        return self.mark.strip() in recent and self.cut(self._text(ids)) is not None

    def cut(self, text: str) -> str | None:
        """The text before the question; None where there is none."""
        before, found, _ = f"\n{text}".partition(self.mark)
        return before[1:] if found else None

    def tokens(self, ids: Sequence[int], text: str) -> int:
        """How many of the tokens it takes to write a beginning of their text."""
        return next(count for count in range(len(ids) + 1) if len(self._text(ids[:count])) >= len(text))

    def _text(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))


def _within(offsets: Sequence[Offset], length: int) -> int:
    """How many of the first tokens end within a text's first characters."""
    return next((place for place, (_, end) in enumerate(offsets) if end > length), len(offsets))


def _encoded(tokenizer: PreTrainedTokenizerBase, text: str, plain: bool = False) -> tuple[list[int], list[Offset]]:
    """Ids of a text, and the characters at which each begins and ends."""
    encoded = tokenizer(text, add_special_tokens=plain, return_offsets_mapping=True)
    return list(encoded["input_ids"]), list(encoded["offset_mapping"])


def _rendered(tokenizer: PreTrainedTokenizerBase, turns: Sequence[str]) -> str:
    text = tokenizer.apply_chat_template(messages(turns), tokenize=False)
    assert isinstance(text, str)
    return text
