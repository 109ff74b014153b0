"""What a run finds on this machine: a free port, room on the disk."""

import shutil
import socket
from pathlib import Path

from stages.core.errors import InputError


def free_port() -> int:
    """A port on which nothing listens now, so that two runs on one machine do not collide."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of the folder, which is created if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free


def check_room(base: Path, out: Path) -> None:
    """Compare the free disk space with the size of the base weights, which is also that of the export.

    Raises:
        InputError: The export does not fit.
    """
    # Twice, since the earlier export stays until the new weights are complete.
    free, needed = free_bytes(out), 2 * sum(path.stat().st_size for path in base.glob("*.safetensors"))
    if free < needed:
        raise InputError(
            f"{out}: {free / 1e6:,.0f} MB are free, the trained model takes up to {needed / 1e6:,.0f} MB: make room on "
            "that disk (`dvc gc --workspace` removes what no run here uses), or clone to a larger one"
        )
