import sys
from pathlib import Path

import pytest

from stages import report, wordclouds
from tests.reporting import example_run


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A run with every kind of system, its word clouds and its report."""
    folder = example_run.write(tmp_path_factory.mktemp("finished"), example_run.plan())
    run_stages(folder)
    return folder


@pytest.fixture(scope="session")
def decided(tmp_path_factory) -> Path:
    """Two models, two seeds, and a role arm far ahead."""
    plan = example_run.plan(("small", "other"), (1, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(example_run.SHARES, "role", 0.97)
        folder = example_run.write(tmp_path_factory.mktemp("decided"), plan, sizes=example_run.SMALL)
    run_stages(folder)
    return folder


def run_stages(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["stage"])
        wordclouds.main()
        report.main()
