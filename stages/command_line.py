"""What every stage's command line shares: logging, and errors a person can read."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stages import run_record
from stages.errors import InputError


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser whose ``--help`` opens with the stage's docstring."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def run(main: Callable[[], None]) -> None:
    """Run a stage; an :class:`InputError` ends it with its message alone and exit code 2."""
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(name)s: %(message)s", stream=sys.stderr)
    for noisy in (
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "openai",
        "filelock",
        "fsspec",
        "matplotlib",
        "fontTools",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        with _recorded():
            main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted: run it again to go on", file=sys.stderr)
        sys.exit(130)


@contextmanager
def _recorded() -> Iterator[None]:
    """Leave a line on this run in ``logs/``, however it ends; outside a repository, none."""
    started, outcome = time.time(), "ok"
    try:
        yield
    except BaseException as error:
        done = isinstance(error, SystemExit) and not error.code
        outcome = "ok" if done else type(error).__name__
        raise
    finally:
        if Path("dvc.yaml").is_file():
            run_record.append(started, time.time(), outcome)
