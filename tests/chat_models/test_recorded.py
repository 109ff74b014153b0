import json
from pathlib import Path

import pytest

from stages.chat_models.interface import ChatRequest, InvalidAnswer
from stages.chat_models.recorded import RecordedModel
from stages.errors import InputError
from tests.chat_models.support import as_it_is, request


def record(path: Path, **roles: str) -> Path:
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

    model = RecordedModel(record(tmp_path / "c.jsonl", k1="one", k2="bad"))
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
    path = record(tmp_path / "c.jsonl", k1="one")
    path.write_text(path.read_text() + '{"key": "short", "index": 0, "source": "s", "role": "r"}\n')
    with pytest.raises(InputError, match=r"c\.jsonl, line 2: key: "):
        RecordedModel(path)
