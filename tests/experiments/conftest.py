"""A finished, committed run to experiment on."""

import shutil
from pathlib import Path

import pytest

from tests.temporary_clone import commit, run, small_clone


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    folder = small_clone(tmp_path_factory.mktemp("finished") / "repository", benchmarks=["mmlu"])
    run(folder, "dvc", "repro")
    commit(folder)
    return folder


@pytest.fixture
def repository(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "repository", symlinks=True))
