"""What every stage's command line shares: logging, and errors a person can read."""

import argparse
import logging
import os
import sys
from collections.abc import Callable

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
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted: run it again to go on", file=sys.stderr)
        sys.exit(130)
