"""A run that nothing happened to, and a clone in which something will."""

import time
from pathlib import Path

import pytest

from tests.crash.support import Undisturbed, files_of, on_disk
from tests.temporary_clone import run, small_clone


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Undisturbed:
    folder = small_clone(tmp_path_factory.mktemp("undisturbed") / "repository")
    empty, started = on_disk(folder), time.monotonic()
    run(folder, "dvc", "repro")
    return Undisturbed(time.monotonic() - started, files_of(folder), folder, on_disk(folder) - empty)


@pytest.fixture
def repository(tmp_path) -> Path:
    """Ready to run, and nothing has."""
    return small_clone(tmp_path / "repository")
