import json
import os
import subprocess
import sys

import pytest

from stages.core.errors import InputError
from stages.corpora.preset import CorpusPreset
from stages.corpora.reading import read_corpus
from tests.import_graph import ROOT


@pytest.fixture
def own(tmp_path):
    def write(*rows):
        path = tmp_path / "own.jsonl"
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return CorpusPreset(path=str(path))

    return write


def item(number, **fields):
    return {"conversations": [f"Question {number}?", f"Answer {number}."], **fields}


def test_a_file_of_ones_own(own):
    first, second = read_corpus("own", own(item(1, source="law"), item(2)), "bundled")
    assert (first.id, first.source, first.turns) == ("own-00000", "law", ["Question 1?", "Answer 1."])
    assert (second.id, second.source) == ("own-00001", "own")


def test_an_unknown_format_names_file_and_line(own):
    preset = own(item(1), {"prompt": "Why?"})
    with pytest.raises(InputError, match=r"own\.jsonl, line 2: expected the fields of LIMA"):
        read_corpus("own", preset, "bundled")


def test_a_line_that_is_not_json_names_file_and_line(own):
    with pytest.raises(InputError, match=r"own\.jsonl, line 2: not JSON"):
        read_corpus("own", own(item(1), "{oops"), "bundled")


def test_rows_of_an_earlier_first_turn_are_left_out_and_the_log_says_which(own, caplog):
    preset = own(item(1), item(2), item(1), item(3), item(1))
    found = read_corpus("own", preset, "bundled")
    assert [one.id for one in found] == ["own-00000", "own-00001", "own-00003"]
    assert caplog.messages == [f"{preset.path}: 2 rows left out: the first turn of an earlier row (lines 3, 5)"]


def test_rows_without_an_answer_are_left_out_and_the_log_says_which(own, caplog):
    preset = own(item(1), {"instruction": "Why?", "input": "", "output": ""}, item(2))
    assert len(read_corpus("own", preset, "bundled")) == 2
    assert caplog.messages == [f"{preset.path}: 1 row left out: a turn is empty or no text (line 2)"]


def test_a_limit_counts_what_is_taken(own):
    preset = own(item(1), item(1), item(2), item(3)).model_copy(update={"limit": 2})
    assert [one.turns[0] for one in read_corpus("own", preset, "bundled")] == ["Question 1?", "Question 2?"]


def test_a_corpus_of_one_item_is_refused_and_told_why(own):
    with pytest.raises(InputError, match=r"at least 2 conversations, found 1; 1 row left out: no answer \(line 2\)"):
        read_corpus("own", own(item(1), {"conversations": ["Why?"]}), "bundled")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.jsonl does not exist"):
        read_corpus("own", CorpusPreset(path=str(tmp_path / "none.jsonl")), "bundled")


def test_a_corpus_that_is_not_bundled_says_where_it_can_be_had():
    with pytest.raises(InputError, match=r"run\.corpus is lima, which is not bundled"):
        read_corpus("lima", CorpusPreset(repository="GAIR/lima", file="train.jsonl"), "bundled")


def test_one_file_of_a_repository_in_the_mirror(tmp_path, monkeypatch):
    folder = tmp_path / "GAIR" / "lima"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text("".join(json.dumps(item(number)) + "\n" for number in range(3)))
    monkeypatch.setenv("HUB_MIRROR", str(tmp_path))
    found = read_corpus("lima", CorpusPreset(repository="GAIR/lima", file="train.jsonl"), "mirror")
    assert len(found) == 3


def test_the_bundled_corpus_whatever_the_root(monkeypatch):
    monkeypatch.delenv("HUB_MIRROR", raising=False)
    preset = CorpusPreset(repository="GAIR/lima", file="train.jsonl", root="bundled")
    assert len(read_corpus("bundled", preset, "hub")) == 320


def test_a_preset_names_one_place():
    with pytest.raises(ValueError, match="either a path or a repository"):
        CorpusPreset(path="own.jsonl", repository="GAIR/lima")
    with pytest.raises(ValueError, match="either a path or a repository"):
        CorpusPreset()


MISFITS = [
    {"messages": [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Why?"}]},
    {"messages": [{"role": "user", "content": "Why?"}, {"role": "user", "content": "Well?"}]},
    {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So.", "weight": 0}]},
]


def stage(folder, *rows, **preset):
    """The stage itself on a corpus of one's own."""
    own = folder / "data/corpora/own.jsonl"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    (folder / "params.yaml").write_text(json.dumps({"corpora": {"own": {"path": "data/corpora/own.jsonl", **preset}}}))
    command = [sys.executable, "-m", "stages.corpus", "--corpus", "own", "--data", "bundled"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def recursion():
    """Python's own limit, which libraries that other tests import may have raised."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (r'{"conversations": ["Why \ud800?", "So."]}', "half of a surrogate pair"),
        ('{"conversations": ["Why?", "So."], "source": %s}' % ("9" * 5000), "a number of thousands of digits"),
        ('{"conversations": %s}' % ("[" * 3000 + "]" * 3000), "nested too deeply"),
        (r'{"conversations": ["Why \ud83d\ude00?", "So."]', "not JSON"),
    ],
)
def test_a_line_that_python_could_not_hold_or_write_names_file_and_line(own, line, fault, recursion):
    with pytest.raises(InputError, match=rf"own\.jsonl, line 3: {fault}.*; mend or remove the line$"):
        read_corpus("own", own(item(1), item(2), line), "bundled")


def test_rows_that_do_not_fit_are_refused_unless_the_preset_leaves_them_out(tmp_path):
    refused = stage(tmp_path, item(1), MISFITS[0], item(2))
    assert refused.returncode == 2
    assert refused.stderr == (
        "error: data/corpora/own.jsonl, line 2: turn 0 is by 'assistant', expected one of human, prompter, user: mend "
        "or remove the row, or set corpora.own.invalid_rows to skip\n"
    )
    assert not (tmp_path / "data/corpus.jsonl").exists()
    skipped = stage(tmp_path, item(1), *MISFITS, item(2), invalid_rows="skip")
    assert skipped.returncode == 0
    assert "3 rows left out: turns do not alternate, the user's first" in skipped.stderr
    assert len((tmp_path / "data/corpus.jsonl").read_text().splitlines()) == 2
