"""Whether the disk has room for what a training writes: said before it starts, not after it ends."""

import shutil
from pathlib import Path

from stages.errors import InputError

COPIES = 2
"""The exported weights stand beside an earlier export until they are whole."""


def check_room(base: Path, out: Path) -> None:
    """Hold the free disk against the base weights' size.

    Raises:
        InputError: Less is free than the export takes.
    """
    weights = sum(path.stat().st_size for path in base.glob("*.safetensors"))
    out.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(out).free
    needed = COPIES * weights
    if free < needed:
        raise InputError(
            f"{out}: {free / 1e6:,.0f} MB are free, the trained model takes up to {needed / 1e6:,.0f} MB: make room on "
            "that disk (`dvc gc --workspace` removes what no run here uses), or clone to a larger one"
        )
