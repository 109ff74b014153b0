"""Check that the disk has room before long work starts, not after it ends."""

import shutil
from pathlib import Path

from stages.core.errors import InputError

COPIES = 2
"""Until new weights are complete, the earlier export stays beside them."""


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of the folder, which is created if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free


def check_room(base: Path, out: Path) -> None:
    """Compare the free disk space with the size of the base weights, which is also that of the export.

    Raises:
        InputError: The export does not fit.
    """
    free, needed = free_bytes(out), COPIES * sum(path.stat().st_size for path in base.glob("*.safetensors"))
    if free < needed:
        raise InputError(
            f"{out}: {free / 1e6:,.0f} MB are free, the trained model takes up to {needed / 1e6:,.0f} MB: make room on "
            "that disk (`dvc gc --workspace` removes what no run here uses), or clone to a larger one"
        )
