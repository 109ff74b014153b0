"""Where the request cache lies."""

import os
from pathlib import Path

FOLDER = Path(".cache/requests")


def cache_folder() -> Path:
    """The folder that ``REQUEST_CACHE`` names, else ``.cache/requests`` of the repository.

    An experiment may run in a temporary copy of the repository: what it pays for must outlive the copy, and what was
    paid for before must be found. ``DVC_ROOT``, set while a stage runs, names the repository that was copied.
    """
    named = os.environ.get("REQUEST_CACHE")
    return Path(named) if named else Path(os.environ.get("DVC_ROOT", "."), FOLDER)
