"""Whether the disk has room for what comes: said before long work starts, not after it ends."""

import shutil
from pathlib import Path

from stages.core.errors import InputError

COPIES = 2
"""The exported weights stand beside an earlier export until they are whole."""


def free_bytes(folder: Path) -> int:
    """Free bytes of the disk that the folder lies on; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free


def check_room(base: Path, out: Path) -> None:
    """Hold the free disk against the size of the base weights, which the export has too.

    Raises:
        InputError: Less is free than the export takes.
    """
    free, needed = free_bytes(out), COPIES * sum(path.stat().st_size for path in base.glob("*.safetensors"))
    if free < needed:
        raise InputError(
            f"{out}: {free / 1e6:,.0f} MB are free, the trained model takes up to {needed / 1e6:,.0f} MB: make room on "
            "that disk (`dvc gc --workspace` removes what no run here uses), or clone to a larger one"
        )
