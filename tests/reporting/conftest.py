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


def run_stages(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["stage"])
        wordclouds.main()
        report.main()
