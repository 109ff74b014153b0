"""A corpus as conversations, from wherever its preset says."""

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from stages.core.errors import InputError
from stages.corpora.formats import IncompleteRowError, MisfitRowError, turns
from stages.corpora.preset import CorpusPreset
from stages.corpora.roots import Data, Fields, Source, read_rows
from stages.records.conversation import Conversation

LINES_NAMED = 5

logger = logging.getLogger("corpus")


class LeftOut:
    """The lines of rows that are not taken, by the reason."""

    def __init__(self) -> None:
        self._lines: dict[str, list[int]] = {}

    def add(self, reason: str, line: int) -> None:
        self._lines.setdefault(reason, []).append(line)

    def described(self) -> list[str]:
        return [_described(reason, lines) for reason, lines in self._lines.items()]


def _described(reason: str, lines: list[int]) -> str:
    named = ", ".join(str(line) for line in lines[:LINES_NAMED]) + (", …" if len(lines) > LINES_NAMED else "")
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
    where = preset.path or f"{preset.repository}"
    left_out = LeftOut()
    found = _conversations(name, _rows(name, preset, data), left_out, skip=preset.invalid_rows == "skip")
    conversations = list(islice(found, preset.limit))
    for text in left_out.described():
        logger.warning("%s: %s", where, text)
    if len(conversations) < 2:
        counts = "; ".join([f"found {len(conversations)}", *left_out.described()])
        raise InputError(f"{where}: expected at least 2 conversations, {counts}")
    return conversations


def _conversations(name: str, rows: Iterable[Fields], left_out: LeftOut, *, skip: bool) -> Iterator[Conversation]:
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        try:
            found = turns(row, row.place)
        except IncompleteRowError as error:
            left_out.add(str(error), number)
            continue
        except MisfitRowError as error:
            if not skip:
                raise InputError(
                    f"{row.place}: {error}: mend or remove the row, or set corpora.{name}.invalid_rows to skip"
                ) from None
            left_out.add("turns do not alternate, the user's first, or have weight 0", number)
            continue
        item = Conversation(id=f"{name}-{number - 1:05d}", source=str(row.get("source") or name), turns=found)
        if item.key in seen:
            left_out.add("the first turn of an earlier row", number)
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
