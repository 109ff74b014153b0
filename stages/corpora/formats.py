"""Rows of instruction corpora in the usual formats, as turns that alternate, the user's first.

LIMA (``conversations``: texts), ShareGPT (``conversations``: ``from``, ``value``), chat messages (``messages``:
``role``, ``content``) and Alpaca (``instruction``, ``input``, ``output``) are told apart by their fields.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.core.errors import InputError

USERS = {"user", "human", "prompter"}
ASSISTANTS = {"assistant", "gpt", "chatgpt", "bot", "model"}


class IncompleteRowError(Exception):
    """A row in a known format that holds no conversation: the message says what it lacks."""


def turns(row: Mapping[str, Any], where: str) -> list[str]:
    """The turns of one row.

    Args:
        row: The row as it was read.
        where: The file and line, or repository and number, for messages.

    Raises:
        InputError: The format is not known, or turns do not alternate.
        IncompleteRowError: A text is missing or empty (28 of Alpaca's answers are), or there is no answer.
    """
    if "instruction" in row and "output" in row:
        found = [_alpaca_prompt(row), row["output"]]
    elif isinstance(row.get("conversations"), list):
        found = _sequence(row["conversations"], "from", "value", where)
    elif isinstance(row.get("messages"), list):
        found = _sequence(row["messages"], "role", "content", where)
    else:
        raise InputError(
            f"{where}: expected the fields of LIMA or ShareGPT (conversations), of chat messages (messages) or of "
            f"Alpaca (instruction, output); found {', '.join(row) or 'none'}"
        )
    if not all(isinstance(text, str) and text.strip() for text in found):
        raise IncompleteRowError("a turn is empty or no text")
    if len(found) < 2:
        raise IncompleteRowError("no answer")
    return found


def _alpaca_prompt(row: Mapping[str, Any]) -> Any:
    return f"{row['instruction']}\n\n{row['input']}" if row["instruction"] and row.get("input") else row["instruction"]


def _sequence(items: Sequence[Any], speaker: str, text: str, where: str) -> list[Any]:
    if all(isinstance(item, str) for item in items):
        return list(items)
    found: list[Any] = []
    preamble = ""
    for item in items:
        if not isinstance(item, Mapping) or speaker not in item or text not in item:
            raise InputError(f"{where}: expected turns with {speaker!r} and {text!r}, found {item!r:.80}")
        name = str(item[speaker]).lower()
        if name == "system" and not found:
            preamble = f"{item[text]}\n\n" if item[text] else ""
            continue
        expected = USERS if len(found) % 2 == 0 else ASSISTANTS
        if name not in expected:
            raise InputError(
                f"{where}: turn {len(found)} is by {name!r}, expected one of {', '.join(sorted(expected))}"
            )
        found.append(preamble + item[text] if isinstance(item[text], str) and item[text].strip() else None)
        preamble = ""
    return found
