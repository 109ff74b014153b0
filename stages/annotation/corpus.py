"""The corpus on the disk, read line by line as often as it is needed."""

from collections.abc import Iterator
from pathlib import Path

from stages.files import iterate_jsonl
from stages.records.conversation import Conversation


class Corpus:
    """The conversations of a file; they are never held together."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Conversation]:
        return iterate_jsonl(self._path, Conversation)

    def __length_hint__(self) -> int:
        if not self._path.is_file():
            return 0
        with self._path.open("rb") as file:
            return sum(1 for line in file if line.strip())
