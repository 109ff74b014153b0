"""The three roots, and the errors of each."""

import json
import random
import shutil
import sys
from pathlib import Path

import datasets
import pytest
from huggingface_hub import constants

from stages import corpus, questions
from stages.benchmarks import gsm8k
from stages.core.errors import InputError
from stages.corpora.roots import Source
from tests.import_graph import ROOT

REVISION = "e53f048856ff4f594e959d75785d2c2d37b678ee"


def test_bundled_rows_are_read_by_configuration_and_split(monkeypatch):
    monkeypatch.chdir(ROOT)
    rows = list(Source("bundled").rows("openai/gsm8k", "main", "train", None))
    assert len(rows) == 8
    assert "####" in rows[0]["answer"]


def test_a_mirror_is_a_folder_laid_out_like_the_hub(monkeypatch, tmp_path):
    shutil.copytree(ROOT / "data/bundled/openai", tmp_path / "openai")
    monkeypatch.setenv("HUB_MIRROR", str(tmp_path))
    assert len(list(Source("mirror").rows("openai/gsm8k", "main", "test", REVISION))) == 100


@pytest.mark.parametrize("place", [None, "/nowhere/at/all"])
def test_a_mirror_that_is_not_there_is_an_error_that_says_what_to_set(monkeypatch, place):
    monkeypatch.delenv("HUB_MIRROR", raising=False)
    if place:
        monkeypatch.setenv("HUB_MIRROR", place)
    with pytest.raises(InputError, match="HUB_MIRROR"):
        Source("mirror")


def test_a_repository_that_the_mirror_lacks_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HUB_MIRROR", str(tmp_path))
    with pytest.raises(InputError, match="cais/mmlu does not exist"):
        list(Source("mirror").rows("cais/mmlu", "all", "test", None))


def test_a_line_that_is_not_json_is_named(monkeypatch, tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c.jsonl").write_text('{"x": 1}\n{"x": \n')
    monkeypatch.setenv("HUB_MIRROR", str(tmp_path))
    with pytest.raises(InputError, match=r"c\.jsonl, line 2: not JSON"):
        list(Source("mirror").json_lines("a/b", "c.jsonl", None))


def cached(cache, kind, repository, revision, files):
    """Files in the layout of the Hub's own cache."""
    folder = cache / f"{kind}--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / revision
    for name, source in files.items():
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, snapshot / name)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(revision)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The Hub's cache, empty, in a working folder that holds the parameters; no network."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "prepared")
    return tmp_path / "hub"


def test_the_hub_is_read_from_its_cache_when_the_network_is_off(cache, monkeypatch):
    bundled = ROOT / "data/bundled/openai/gsm8k"
    files = {name: bundled / name for name in ("README.md", "main/test.jsonl", "main/train.jsonl")}
    cached(cache, "datasets", "openai/gsm8k", REVISION, files)
    monkeypatch.setattr(sys, "argv", ["questions", "--benchmark", "gsm8k", "--data", "hub"])
    questions.main()
    assert len(Path("data/questions/gsm8k.jsonl").read_text().splitlines()) == 108


def test_lima_is_read_from_the_hubs_cache(cache, monkeypatch):
    revision = "68958e98267f5fb4a52a03ebcdae4ae59213fa7c"
    cached(cache, "datasets", "GAIR/lima", revision, {"train.jsonl": ROOT / "data/bundled/GAIR/lima/train.jsonl"})
    monkeypatch.setattr(sys, "argv", ["corpus", "--corpus", "lima", "--data", "hub"])
    corpus.main()
    first = json.loads(Path("data/corpus.jsonl").read_text().splitlines()[0])
    assert first["id"] == "lima-00000"


def test_what_is_not_in_the_cache_is_an_error_that_says_what_to_do(cache, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["questions", "--benchmark", "gsm8k", "--data", "hub"])
    with pytest.raises(InputError, match="hf download"):
        questions.main()


def test_a_column_that_is_missing_is_named_with_its_row(tmp_path, monkeypatch):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/train.jsonl").write_text('{"x": 1, "y": 2}\n')
    monkeypatch.setenv("HUB_MIRROR", str(tmp_path))
    for row in (
        next(Source("mirror").rows("a/b", None, "train", None)),
        next(Source("mirror").json_lines("a/b", "train.jsonl", None)),
    ):
        assert row["x"] == 1
        with pytest.raises(InputError, match=r"a/b.*(row|line) 1: expected a field 'question', found x, y"):
            row["question"]


def test_rows_are_those_of_the_files_as_they_are_now(tmp_path, monkeypatch):
    for place in ("one", "other"):
        folder = shutil.copytree(ROOT / "data/bundled/openai", tmp_path / place / "openai") / "gsm8k/main"
        monkeypatch.setenv("HUB_MIRROR", str(tmp_path / place))
        lines = (folder / "train.jsonl").read_text().splitlines(keepends=True)
        for kept in (8, 5) if place == "one" else (3,):
            (folder / "train.jsonl").write_text("".join(lines[:kept]))
            assert len(list(Source("mirror").rows("openai/gsm8k", "main", "train", None))) == kept


def test_rows_of_which_no_questions_can_be_made_are_an_error_that_names_the_benchmark(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "data/bundled/openai", tmp_path / "openai")
    train = tmp_path / "openai/gsm8k/main/train.jsonl"
    train.write_text("".join(train.read_text().splitlines(keepends=True)[:3]))
    monkeypatch.setenv("HUB_MIRROR", str(tmp_path))
    with pytest.raises(InputError, match=r"gsm8k, from .*: the rows are not as .*gsm8k\.py expects .*Sample larger"):
        questions.read("gsm8k", Source("mirror"), random.Random(1))


def test_a_benchmark_of_which_nothing_is_to_be_asked_is_an_error(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "data/bundled/openai", tmp_path / "openai")
    monkeypatch.setenv("HUB_MIRROR", str(tmp_path))
    monkeypatch.setattr(gsm8k, "questions", lambda source, rng: iter(()))
    with pytest.raises(InputError, match=r"gsm8k, from .*: none of 0 questions is to be asked"):
        questions.read("gsm8k", Source("mirror"), random.Random(1))
