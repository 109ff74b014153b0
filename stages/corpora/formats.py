"""Rows of instruction corpora in the usual formats, as turns that alternate, the user's first.

LIMA (``conversations``: texts), ShareGPT (``conversations``: ``from``, ``value``), chat messages (``messages``:
``role``, ``content``) and Alpaca (``instruction``, ``input``, ``output``) are told apart by their fields.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.errors import InputError

USERS = {"user", "human", "prompter"}
ASSISTANTS = {"assistant", "gpt", "chatgpt", "bot", "model"}


def turns(row: Mapping[str, Any], where: str) -> list[str]:
    """The turns of one row.

    Args:
        row: The row as it was read.
        where: The file and line, or repository and number, for messages.

    Raises:
        InputError: The format is not known, a text is missing or empty, or turns do not alternate.
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
    for number, text in enumerate(found):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{where}: turn {number} is empty or no text")
    if len(found) < 2:
        raise InputError(f"{where}: expected at least a question and an answer, found {len(found)} turn(s)")
    return found


def _alpaca_prompt(row: Mapping[str, Any]) -> str:
    return f"{row['instruction']}\n\n{row['input']}" if row.get("input") else str(row["instruction"])


def _sequence(items: Sequence[Any], speaker: str, text: str, where: str) -> list[str]:
    if all(isinstance(item, str) for item in items):
        return list(items)
    found: list[str] = []
    preamble = ""
    for item in items:
        if not isinstance(item, Mapping) or speaker not in item or text not in item:
            raise InputError(f"{where}: expected turns with {speaker!r} and {text!r}, found {item!r:.80}")
        name = str(item[speaker]).lower()
        if name == "system" and not found:
            preamble = f"{item[text]}\n\n"
            continue
        expected = USERS if len(found) % 2 == 0 else ASSISTANTS
        if name not in expected:
            raise InputError(
                f"{where}: turn {len(found)} is by {name!r}, expected one of {', '.join(sorted(expected))}"
            )
        found.append(preamble + item[text])
        preamble = ""
    return found
