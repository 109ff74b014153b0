import json
from pathlib import Path

from stages.annotation.recording import record
from stages.records.conversation import AnnotatedConversation


def item(name: str, role: str = "r") -> AnnotatedConversation:
    return AnnotatedConversation(id=name, source="s", turns=[f"question {name}", "answer"], role=role)


def indices(path: Path) -> list[tuple[int, str]]:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [(one["index"], one["role"]) for one in records]


def test_records_stand_in_the_corpus_order(tmp_path: Path) -> None:
    path = tmp_path / "annotations" / "c.jsonl"
    places = {name: place for place, name in enumerate("abcd")}
    assert record(path, [item("d", "4"), item("a", "1"), item("c", "3")], places) == 3
    assert indices(path) == [(0, "1"), (2, "3"), (3, "4")]
    first = json.loads(path.read_text().splitlines()[0])
    assert first == {"key": item("a").key, "index": 0, "source": "s", "role": "1"}


def test_recording_a_part_of_a_corpus_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    places = {name: place for place, name in enumerate("abcd")}
    record(path, [item(name, "old") for name in "abcd"], places)
    record(path, [item("b", "new")], places)
    assert indices(path) == [(0, "old"), (1, "new"), (2, "old"), (3, "old")]
