import random

from stages.chat_models.offset_table import OffsetTable


def test_it_finds_what_was_added_and_nothing_else() -> None:
    generator = random.Random(1)
    expected = {generator.getrandbits(63): place for place in range(20_000)}
    table = OffsetTable()
    for fingerprint, place in expected.items():
        table.add(fingerprint, place)
    assert len(table) == len(expected)
    assert all(list(table.offsets(fingerprint)) == [place] for fingerprint, place in expected.items())
    assert list(table.offsets(12345)) == []


def test_equal_fingerprints_come_back_in_the_order_of_adding_however_it_grows() -> None:
    table = OffsetTable()
    for place in range(1200):
        table.add(place % 3 * 1024, place)
    assert list(table.offsets(1024)) == list(range(1, 1200, 3))
    assert next(iter(table.offsets(0))) == 0
