"""Recorded annotations: ``data/annotations/<corpus>.jsonl``, in Git, so that no key is needed to rebuild a corpus."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from stages.files import read_jsonl, write_jsonl
from stages.records.conversation import AnnotatedConversation, RecordedRole


def record(path: Path, annotated: Iterable[AnnotatedConversation], places: dict[str, int]) -> int:
    """Write the role prompts in the corpus's order; how many there are.

    What the file holds for items outside this corpus (it may be a part of a larger one) is kept, at its index.
    """
    new = {made.key: made for made in _records(annotated, places)}
    held: list[RecordedRole] = read_jsonl(path, RecordedRole) if path.is_file() else []
    kept = [old for old in held if old.key not in new]
    records = sorted([*new.values(), *kept], key=lambda one: (one.index, one.key))
    write_jsonl(path, records)
    return len(new)


def _records(annotated: Iterable[AnnotatedConversation], places: dict[str, int]) -> Iterator[RecordedRole]:
    for item in annotated:
        yield RecordedRole(key=item.key, index=places[item.id], source=item.source, role=item.role)
