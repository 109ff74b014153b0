from pathlib import Path

import pytest

from stages.chat_models.cache_folder import cache_folder
from stages.chat_models.factory import open_chat_model
from stages.chat_models.preset import RecordedPreset
from stages.chat_models.recorded import RecordedModel
from stages.errors import InputError


def test_recorded_answers_need_a_file_of_them(tmp_path: Path) -> None:
    preset = RecordedPreset(kind="recorded")
    assert isinstance(open_chat_model(preset, recorded=tmp_path / "x.jsonl"), RecordedModel)
    with pytest.raises(InputError, match="serves annotators only"):
        open_chat_model(preset)


def test_an_experiment_in_a_copy_shares_the_cache_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUEST_CACHE", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert cache_folder() == Path(".cache/requests")
    monkeypatch.setenv("DVC_ROOT", "/home/me/repository")
    assert cache_folder() == Path("/home/me/repository/.cache/requests")
    monkeypatch.setenv("REQUEST_CACHE", "/scratch/replies")
    assert cache_folder() == Path("/scratch/replies")
