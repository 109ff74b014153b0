import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stages import base_model
from stages.core import command_line


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], int]]:
    """Run the stage on a model of params.yaml, in this process and a folder of its own; its exit code."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> int:
        monkeypatch.setattr(sys, "argv", ["stages/base_model.py", "--model", name])
        try:
            command_line.run(base_model.main)
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
