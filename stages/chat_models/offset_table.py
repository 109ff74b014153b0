"""Where the records of a file begin, by key: a table of 16 bytes a slot, so that 100,000 records cost 4 MB."""

from array import array
from collections.abc import Iterator


class OffsetTable:
    """Offsets by 63-bit fingerprint, with open addressing; equal fingerprints may stand more than once."""

    def __init__(self) -> None:
        self._allocate(1 << 10)

    def __len__(self) -> int:
        return self._filled

    def add(self, fingerprint: int, offset: int) -> None:
        if 2 * self._filled >= self._slots:
            self._grow()
        self._insert(fingerprint, offset + 1)

    def offsets(self, fingerprint: int) -> Iterator[int]:
        """The offsets added under a fingerprint, in the order of adding."""
        place = fingerprint % self._slots
        while self._offsets[place]:
            if self._fingerprints[place] == fingerprint:
                yield self._offsets[place] - 1
            place = (place + 1) % self._slots

    def _allocate(self, slots: int) -> None:
        self._slots = slots
        self._filled = 0
        self._fingerprints = array("Q", bytes(8 * slots))
        self._offsets = array("Q", bytes(8 * slots))  # one more than the offset; 0 marks an empty slot

    def _insert(self, fingerprint: int, mark: int) -> None:
        place = fingerprint % self._slots
        while self._offsets[place]:
            place = (place + 1) % self._slots
        self._fingerprints[place] = fingerprint
        self._offsets[place] = mark
        self._filled += 1

    def _grow(self) -> None:
        held = sorted(
            (mark, fingerprint) for mark, fingerprint in zip(self._offsets, self._fingerprints, strict=True) if mark
        )
        self._allocate(2 * self._slots)
        for mark, fingerprint in held:
            self._insert(fingerprint, mark)
