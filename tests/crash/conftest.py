"""A run that nothing happened to, and a clone in which something will."""

import time
from pathlib import Path

import pytest

from tests.crash.support import Undisturbed, files_of
from tests.temporary_clone import SMALL, choose, commit, copy_repository, run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Undisturbed:
    folder = small_clone(tmp_path_factory.mktemp("undisturbed") / "repository")
    started = time.monotonic()
    run(folder, "dvc", "repro")
    return Undisturbed(time.monotonic() - started, files_of(folder))


@pytest.fixture
def repository(tmp_path) -> Path:
    """Ready to run, and nothing has."""
    return small_clone(tmp_path / "repository")


def small_clone(folder: Path) -> Path:
    copy_repository(folder)
    choose(folder, **SMALL)
    commit(folder)
    return folder
