"""A corpus as conversations, from wherever its preset says.

Rows come in the usual formats, told apart by their fields: LIMA (``conversations``: texts), ShareGPT
(``conversations``: ``from``, ``value``), chat messages (``messages``: ``role``, ``content``) and Alpaca
(``instruction``, ``input``, ``output``, ``system``, ``history``). All become turns that alternate, the user's first.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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


def read_corpus(name: str, preset: CorpusPreset, data: Data) -> list[Conversation]:
    """The corpus as it is, in its order; rows that hold no conversation are left out, and the log says which.

    So are rows whose first turn an earlier row has: role prompts are recorded by it. Rows whose turns do not alternate
    are left out where the preset says so.

    Raises:
        InputError: The corpus is missing, has fewer than two conversations, or a row is in no known format or no
            conversation, and the preset does not leave it out.
    """
    left_out: dict[str, list[int]] = defaultdict(list)
    conversations = list(islice(_conversations(name, preset, data, left_out), preset.limit))
    reasons = []
    for reason, lines in left_out.items():
        named = ", ".join(map(str, lines[:LINES_NAMED])) + (", …" if len(lines) > LINES_NAMED else "")
        plural = "s" if len(lines) > 1 else ""
        reasons.append(f"{len(lines)} row{plural} left out: {reason} (line{plural} {named})")
    where = preset.path or preset.repository
    for text in reasons:
        logger.warning("%s: %s", where, text)
    if len(conversations) < 2:
        found = "; ".join([f"found {len(conversations)}", *reasons])
        raise InputError(f"{where}: expected at least 2 conversations, {found}")
    return conversations


def _conversations(
    name: str, preset: CorpusPreset, data: Data, left_out: dict[str, list[int]]
) -> Iterator[Conversation]:
    """The conversations; the numbers of other rows go into ``left_out``, by the reason."""
    seen: set[str] = set()
    for number, row in enumerate(_rows(name, preset, data), start=1):
        try:
            found = turns(row, row.place)
        except IncompleteRowError as error:
            left_out[str(error)].append(number)
            continue
        except MisfitRowError as error:
            if preset.invalid_rows == "refuse":
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


def turns(row: Mapping[str, Any], where: str) -> list[str]:
    """The turns of one row; what the system is told stands before the first. Messages call the row ``where``.

    Raises:
        InputError: The format is not known.
        IncompleteRowError: A text is missing or empty (28 of Alpaca's answers are), or there is no answer.
        MisfitRowError: The turns do not alternate, the user's first.
    """
    if "instruction" in row and "output" in row:
        system, found = _alpaca(row)
    elif isinstance(row.get("conversations"), list):
        system, found = _sequence(row["conversations"], "from", "value", where)
    elif isinstance(row.get("messages"), list):
        system, found = _sequence(row["messages"], "role", "content", where)
    else:
        raise InputError(
            f"{where}: expected the fields of LIMA or ShareGPT (conversations), of chat messages (messages) or of "
            f"Alpaca (instruction, output); found {', '.join(row) or 'none'}"
        )
    if not all(isinstance(text, str) and text.strip() for text in found):
        raise IncompleteRowError("a turn is empty or no text")
    if len(found) < 2:
        raise IncompleteRowError("no answer")
    texts = [text for text in system if isinstance(text, str) and text.strip()]
    return ["\n\n".join([*texts, found[0]]), *found[1:]]


def _alpaca(row: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """LLaMA-Factory's ``history`` are pairs of earlier turns, its ``system`` is what the system is told."""
    asked = f"{row['instruction']}\n\n{row['input']}" if row["instruction"] and row.get("input") else row["instruction"]
    history = row.get("history") or []
    if not isinstance(history, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in history):
        raise MisfitRowError("history is no list of pairs of a question and its answer")
    return [row.get("system")], [*(text for pair in history for text in pair), asked, row["output"]]


def _sequence(items: Sequence[Any], speaker: str, text: str, where: str) -> tuple[list[Any], list[Any]]:
    system: list[Any] = []
    found: list[Any] = []
    if all(isinstance(item, str) for item in items):
        return system, list(items)
    for item in items:
        if not isinstance(item, Mapping) or speaker not in item or text not in item:
            raise InputError(f"{where}: expected turns with {speaker!r} and {text!r}, found {item!r:.80}")
        name, content = str(item[speaker]).lower(), item[text]
        if isinstance(content, list):
            parts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
            # Parts other than texts, an image say, make the turn one without a text.
            content = "".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else None
        if name in SYSTEMS and not found:
            system.append(content)
            continue
        expected = USERS if len(found) % 2 == 0 else ASSISTANTS
        if name not in expected:
            raise MisfitRowError(f"turn {len(found)} is by {name!r}, expected one of {', '.join(sorted(expected))}")
        if item.get("weight") == 0:
            raise MisfitRowError(f"turn {len(found)} has weight 0: it is not to be learnt, and all answers here are")
        found.append(content)
    return system, found
