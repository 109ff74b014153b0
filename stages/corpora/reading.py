"""A corpus as conversations, from wherever its preset says."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from stages.corpora.formats import turns
from stages.corpora.preset import CorpusPreset
from stages.errors import InputError
from stages.records.conversation import Conversation
from stages.sources.roots import Data, Row, Source, read_rows


def read_corpus(name: str, preset: CorpusPreset, data: Data) -> list[Conversation]:
    """The corpus as it is, in its order.

    Raises:
        InputError: The corpus is missing, empty, or a row is in no known format; or two rows share their first turn,
            by which role prompts are recorded.
    """
    where = preset.path or f"{preset.repository}"
    conversations: list[Conversation] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(islice(_rows(name, preset, data), preset.limit), start=1):
        found = turns(row, f"{where}, line {number}")
        item = Conversation(id=f"{name}-{number - 1:05d}", source=str(row.get("source", name)), turns=found)
        if item.key in seen:
            raise InputError(
                f"{where}, line {number}: the same first turn as line {seen[item.key]}: remove one of them"
            )
        seen[item.key] = number
        conversations.append(item)
    if len(conversations) < 2:
        raise InputError(f"{where}: expected at least 2 conversations, found {len(conversations)}")
    return conversations


def _rows(name: str, preset: CorpusPreset, data: Data) -> Iterator[Row]:
    if preset.path is not None:
        return read_rows(Path(preset.path))
    assert preset.repository is not None
    root = preset.root or data
    if root == "bundled" and preset.root is None:
        raise InputError(
            f"run.corpus is {name}, which is not bundled: it needs run.data=hub, or run.data=mirror with HUB_MIRROR set"
        )
    source = Source(root)
    if preset.file is not None:
        return source.json_lines(preset.repository, preset.file, preset.revision)
    return source.rows(preset.repository, preset.config, preset.split, preset.revision)
