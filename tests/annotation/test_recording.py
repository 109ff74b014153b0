import json
from pathlib import Path

import pytest

from stages.annotation.recording import RecordedModel, record
from stages.chat_models import ChatRequest, InvalidAnswer
from stages.core.errors import InputError
from stages.records.conversation import AnnotatedConversation
from tests.chat_models.support import as_it_is, request


def item(name: str, role: str = "r") -> AnnotatedConversation:
    return AnnotatedConversation(id=name, source="s", turns=[f"question {name}", "answer"], role=role)


def indices(path: Path) -> list[tuple[int, str]]:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [(one["index"], one["role"]) for one in records]


def test_records_stand_in_the_corpus_order(tmp_path: Path) -> None:
    path = tmp_path / "annotations" / "c.jsonl"
    assert record(path, [item("d", "4"), item("a", "1"), item("c", "3")], [item(name) for name in "abcd"]) == 3
    assert indices(path) == [(0, "1"), (2, "3"), (3, "4")]
    first = json.loads(path.read_text().splitlines()[0])
    assert first == {"key": item("a").key, "index": 0, "source": "s", "role": "1"}


def test_recording_a_part_of_a_corpus_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    corpus = [item(name) for name in "abcd"]
    record(path, [item(name, "old") for name in "abcd"], corpus)
    record(path, [item("b", "new")], corpus)
    assert indices(path) == [(0, "old"), (1, "new"), (2, "old"), (3, "old")]


def recorded(path: Path, **roles: str) -> Path:
    lines = [{"key": name[1:] * 64, "index": 0, "source": "s", "role": role} for name, role in roles.items()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def asked(digit: str) -> ChatRequest:
    return request(digit).model_copy(update={"recorded_key": digit * 64})


def test_answers_are_found_by_their_key_and_checked(tmp_path: Path) -> None:
    def check(_: ChatRequest, text: str) -> str:
        if text == "bad":
            raise InvalidAnswer("bad indeed")
        return text

    model = RecordedModel(recorded(tmp_path / "c.jsonl", k1="one", k2="bad"))
    outcomes = list(model.ask([asked("2"), asked("1"), asked("3")], check))
    assert [(outcome.value, outcome.failure) for outcome in outcomes] == [
        (None, "bad indeed"),
        ("one", None),
        (None, "not recorded"),
    ]


def test_a_missing_file_records_nothing(tmp_path: Path) -> None:
    model = RecordedModel(tmp_path / "none.jsonl")
    assert [outcome.failure for outcome in model.ask([asked("1")], as_it_is)] == ["not recorded"]
    assert model.estimate([asked("1")], as_it_is).missing == 1


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = recorded(tmp_path / "c.jsonl", k1="one")
    path.write_text(path.read_text() + '{"key": "short", "index": 0, "source": "s", "role": "r"}\n')
    with pytest.raises(InputError, match=r"c\.jsonl, line 2: key: "):
        RecordedModel(path)
