"""What is told of bad input, and what is left of a write that failed."""

import errno
import os
import subprocess
import sys

import pytest

from stages.core.errors import InputError
from stages.core.parameters import validate
from stages.records.conversation import Conversation
from stages.records.files import read_json, read_jsonl, remedy, replacing, write_text
from stages.training.recipe import Recipe
from tests.import_graph import ROOT


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


def test_a_line_that_is_not_utf8_is_named(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(b'{"id": "a", "source": "s", "turns": ["q", "a"]}\n' + '{"id": "é"}\n'.encode("latin-1"))
    with pytest.raises(InputError, match=r"corpus\.jsonl, line 2: not UTF-8 .*save the file in UTF-8"):
        read_jsonl(path, Conversation)
    path.write_bytes(b'{\n"a": "\xff"}')
    with pytest.raises(InputError, match=r"corpus\.jsonl, line 2: not UTF-8"):
        read_json(path)


def test_the_mark_of_an_editor_and_its_line_ends_are_no_fault(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "source": "s", "turns": ["q\\r\\n", "a"]}\r\n\r\n')
    (one,) = read_jsonl(path, Conversation)
    assert one.turns == ["q\r\n", "a"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "make room"),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), "make room"),
        (OSError(errno.ENOENT, "No such file"), None),
        (RuntimeError("no such thing"), None),
    ],
)
def test_what_helps_against_an_error_of_the_disk(error, told):
    assert remedy(error) == told


@pytest.mark.parametrize("error", ["OSError(28, 'No space left on device')", "RuntimeError('I/O (os error 28)')"])
def test_a_stage_that_meets_a_full_disk_says_so_without_a_traceback(tmp_path, error):
    code = f"from stages.core import command_line\ndef main():\n    raise {error}\ncommand_line.run(main)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "make room, then run it again" in done.stderr
    assert "Traceback" not in done.stderr
