"""Recorded annotations against the corpus that they belong to."""

from collections.abc import Iterator, Sequence

from stages.data_checks.findings import Fault, Line
from stages.records.conversation import Conversation, RecordedRole


def check_order(lines: Sequence[Line[RecordedRole]]) -> Iterator[Fault]:
    """Indexes count from 0, and no key stands twice."""
    seen: dict[str, int] = {}
    for place, line in enumerate(lines):
        if line.row.index != place:
            yield line.fault(f"index {line.row.index}, expected {place}")
        if line.row.key in seen:
            yield line.fault(f"the same key as line {seen[line.row.key]}")
        seen.setdefault(line.row.key, line.number)


def check_keys(lines: Sequence[Line[RecordedRole]], corpus: Sequence[Conversation]) -> Iterator[Fault]:
    """Each annotation has the key and the source of the item at its place."""
    if lines and len(lines) != len(corpus):
        yield Fault(lines[0].path, None, f"{len(lines)} annotations for {len(corpus)} items")
    for line, item in zip(lines, corpus, strict=False):
        if line.row.key != item.key:
            yield line.fault(f"the key is not the SHA-256 of the first turn of item {line.row.index}")
        if line.row.source != item.source:
            yield line.fault(f"source {line.row.source!r}, the item's is {item.source!r}")
