"""What every stage's command line shares: logging, and errors a person can read."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.core import run_log
from stages.core.errors import InputError, remedy


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser whose ``--help`` opens with the stage's docstring."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def modules(folder: str, marked: str) -> list[str]:
    """The names of a folder's modules that define a constant, from the text alone; the folder as seen from the top."""
    paths = sorted((Path(__file__).parents[2] / folder).glob("*.py"))
    return [path.stem for path in paths if f"\n{marked} = " in path.read_text(encoding="utf-8")]


def run(main: Callable[[], None]) -> None:
    """Run a stage; what is the input's fault or the disk's ends it with a message alone and exit code 2."""
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
    except Exception as error:
        if not (told := remedy(error)):
            raise
        print(f"error: {error}: {told}, then run it again", file=sys.stderr)
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
            run_log.append(started, time.time(), outcome)
