"""What is told of bad input, and what is left of a write that failed."""

import errno

import pytest

from stages.errors import InputError
from stages.files import read_jsonl, replacing, write_text
from stages.parameters import validate
from stages.records.conversation import Conversation
from stages.training.recipe import Recipe


def test_the_value_of_an_unknown_key_is_not_told(tmp_path):
    with pytest.raises(InputError, match="api_key") as told:
        validate({"api_key": "sk-a-secret"}, Recipe, "scales.mini.finetune", tmp_path / "params.yaml")
    assert "sk-a-secret" not in str(told.value)


def test_a_bad_line_is_named_with_its_key(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"id": "a", "source": "s", "turns": ["q", "a"]}\n{"id": "b", "source": "s", "turns": ["q"]}\n')
    with pytest.raises(InputError, match=r"corpus\.jsonl, line 2: turns: .*at least 2"):
        read_jsonl(path, Conversation)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_error_that_says_what_to_do_and_the_old_file_stays(tmp_path):
    path = tmp_path / "out.txt"
    write_text(path, "old")
    with pytest.raises(InputError, match=r"out\.txt cannot be written .*make room"), replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
