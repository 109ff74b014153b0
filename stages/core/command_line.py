"""What the command lines of all stages share: logging, and readable errors."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stages.core import run_log
from stages.core.errors import InputError, remedy


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser whose ``--help`` opens with the stage's docstring."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def modules(folder: str, marked: str) -> list[str]:
    """Names of the modules of a folder that define a constant, read from their text; the path is from the top."""
    paths = sorted((Path(__file__).parents[2] / folder).glob("*.py"))
    return [path.stem for path in paths if f"\n{marked} = " in path.read_text(encoding="utf-8")]


NOISY = ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "filelock", "fsspec", "matplotlib", "fontTools")
STOPPED = 130
"""The exit code that shells use after Ctrl-C."""


def run(main: Callable[[], None]) -> None:
    """Run a stage; faults of the input or the disk end it with a message only and exit code 2.

    SIGINT or SIGTERM unwinds the stage, so that it saves its work, and ends it with a message and exit code 130.
    """
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(name)s: %(message)s", stream=sys.stderr)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    _handle_signals()
    try:
        with run_log.recorded():
            main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if not (told := remedy(error)):
            raise
        print(f"error: {error}: {told}, then run it again", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted: run it again to go on", file=sys.stderr)
        sys.exit(STOPPED)


def _handle_signals() -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as the shell sets it for work in the background
            signal.signal(number, _unwind)
    if "RANK" in os.environ:  # its launcher stops it, and a process that waits for the others runs no handler
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _unwind(number: int, _: object) -> None:
    """The first signal raises KeyboardInterrupt; another one ends the process at once."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _leave)
    if number == signal.SIGTERM:  # Ctrl-C reaches the processes below by itself
        import psutil

        for below in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                below.terminate()
    raise KeyboardInterrupt


def _leave(*_: object) -> None:
    try:
        print("interrupted again, ended at once: run it again to go on", file=sys.stderr, flush=True)
    finally:
        os._exit(STOPPED)
