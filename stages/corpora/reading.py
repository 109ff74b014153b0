"""A corpus as conversations, from wherever its preset says.

Rows come in the usual formats, told apart by their fields: LIMA (``conversations``: texts), ShareGPT
(``conversations``: ``from``, ``value``), chat messages (``messages``: ``role``, ``content``) and Alpaca
(``instruction``, ``input``, ``output``, ``system``, ``history``). All become turns that alternate, the user's first.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from stages.core.errors import InputError
from stages.corpora.preset import CorpusPreset
from stages.corpora.roots import Data, Fields, Source, read_rows
from stages.records.conversation import Conversation

SYSTEMS = {"system", "developer"}
USERS = {"user", "human", "prompter"}
ASSISTANTS = {"assistant", "gpt", "chatgpt", "bot", "model"}
LINES_NAMED = 5

logger = logging.getLogger("corpus")


class IncompleteRowError(Exception):
    """A row in a known format that holds no conversation: the message says what it lacks."""


class MisfitRowError(Exception):
    """A row in a known format whose turns do not alternate, the user's first, or may not be learnt."""


def turns(row: Mapping[str, Any], where: str) -> list[str]:
    """The turns of one row; what the system is told stands before the first.

    Args:
        row: The row as it was read.
        where: The file and line, or repository and number, for messages.

    Raises:
        InputError: The format is not known.
        IncompleteRowError: A text is missing or empty (28 of Alpaca's answers are), or there is no answer.
        MisfitRowError: The turns do not alternate, the user's first.
    """
    if "instruction" in row and "output" in row:
        found = _alpaca(row)
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


def _alpaca(row: Mapping[str, Any]) -> list[Any]:
    """LLaMA-Factory's ``history`` are pairs of earlier turns, its ``system`` is what the system is told."""
    asked = f"{row['instruction']}\n\n{row['input']}" if row["instruction"] and row.get("input") else row["instruction"]
    history = row.get("history") or []
    if not isinstance(history, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in history):
        raise MisfitRowError("history is no list of pairs of a question and its answer")
    return _after([row.get("system")], [*(text for pair in history for text in pair), asked, row["output"]])


def _after(told: Sequence[Any], found: list[Any]) -> list[Any]:
    """The turns, the first of them after what the system is told."""
    if found and isinstance(found[0], str) and found[0].strip():
        found[0] = "\n\n".join([*(text for text in told if isinstance(text, str) and text.strip()), found[0]])
    return found


def _sequence(items: Sequence[Any], speaker: str, text: str, where: str) -> list[Any]:
    if all(isinstance(item, str) for item in items):
        return list(items)
    found: list[Any] = []
    told: list[Any] = []
    for item in items:
        if not isinstance(item, Mapping) or speaker not in item or text not in item:
            raise InputError(f"{where}: expected turns with {speaker!r} and {text!r}, found {item!r:.80}")
        name, content = str(item[speaker]).lower(), _joined(item[text])
        if name in SYSTEMS and not found:
            told.append(content)
            continue
        expected = USERS if len(found) % 2 == 0 else ASSISTANTS
        if name not in expected:
            raise MisfitRowError(f"turn {len(found)} is by {name!r}, expected one of {', '.join(sorted(expected))}")
        if item.get("weight") == 0:
            raise MisfitRowError(f"turn {len(found)} has weight 0: it is not to be learnt, and all answers here are")
        found.append(content)
    return _after(told, found)


def _joined(content: Any) -> Any:
    """A text given as a list of parts; anything else as it is, parts other than texts included."""
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
        known = [text for text in texts if isinstance(text, str)]
        return "".join(known) if len(known) == len(texts) else None
    return content


LeftOut = dict[str, list[int]]
"""A reason → the lines of the rows that are left out for it."""


def _described(reason: str, lines: list[int]) -> str:
    named = ", ".join(map(str, lines[:LINES_NAMED])) + (", …" if len(lines) > LINES_NAMED else "")
    rows, places = ("row", "line") if len(lines) == 1 else ("rows", "lines")
    return f"{len(lines)} {rows} left out: {reason} ({places} {named})"


def read_corpus(name: str, preset: CorpusPreset, data: Data) -> list[Conversation]:
    """The corpus as it is, in its order; rows that hold no conversation are left out, and the log says which.

    So are rows whose first turn an earlier row has: role prompts are recorded by it. Rows whose turns do not alternate
    are left out where the preset says so.

    Raises:
        InputError: The corpus is missing, has fewer than two conversations, or a row is in no known format or no
            conversation, and the preset does not leave it out.
    """
    where = preset.path or preset.repository
    left_out: LeftOut = defaultdict(list)
    found = _conversations(name, _rows(name, preset, data), left_out, skip=preset.invalid_rows == "skip")
    conversations = list(islice(found, preset.limit))
    told = [_described(reason, lines) for reason, lines in left_out.items()]
    for text in told:
        logger.warning("%s: %s", where, text)
    if len(conversations) < 2:
        counts = "; ".join([f"found {len(conversations)}", *told])
        raise InputError(f"{where}: expected at least 2 conversations, {counts}")
    return conversations


def _conversations(name: str, rows: Iterable[Fields], left_out: LeftOut, *, skip: bool) -> Iterator[Conversation]:
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        try:
            found = turns(row, row.place)
        except IncompleteRowError as error:
            left_out[str(error)].append(number)
            continue
        except MisfitRowError as error:
            if not skip:
                raise InputError(
                    f"{row.place}: {error}: mend or remove the row, or set corpora.{name}.invalid_rows to skip"
                ) from None
            left_out["turns do not alternate, the user's first, or have weight 0"].append(number)
            continue
        item = Conversation(id=f"{name}-{number - 1:05d}", source=str(row.get("source") or name), turns=found)
        if item.key in seen:
            left_out["the first turn of an earlier row"].append(number)
            continue
        seen.add(item.key)
        yield item


def _rows(name: str, preset: CorpusPreset, data: Data) -> Iterator[Fields]:
    if preset.path is not None:
        return read_rows(Path(preset.path))
    assert preset.repository is not None
    source = Source(preset.root_under(data, name))
    if preset.file is not None:
        return source.json_lines(preset.repository, preset.file, preset.revision)
    return source.rows(preset.repository, preset.config, preset.split, preset.revision)
