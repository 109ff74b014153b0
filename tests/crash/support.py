"""What the crash tests share: an undisturbed run, and how another compares with it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import yaml

from tests.temporary_clone import attempt, git, run

NAMESPACES = (["unshare", "--user", "--map-root-user", "--mount"], ["unshare", "--mount"])
"""How a process gets mounts that no other sees: as anybody, or as root where user namespaces are switched off."""


@dataclass
class Undisturbed:
    """A run that nothing happened to: how long it took and what it left."""

    seconds: float
    files: dict[str, bytes]
    folder: Path
    grown: int
    """Bytes on disk that it wrote."""


def files_of(folder: Path) -> dict[str, bytes]:
    """The lock and every small result, by name; the lock holds the hashes of the others."""
    paths = [folder / "dvc.lock", *(folder / "metrics").rglob("*"), *(folder / "plots").rglob("*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def finish(folder: Path, *commands: str) -> str:
    """Run what `make repro` runs, or the commands given, to its end."""
    return "".join(
        run(folder, *command.split()) for command in commands or ("python -m stages.tools.repair", "dvc repro")
    )


def start_anew(folder: Path) -> None:
    """The commit alone: no outs, no cache, no lock of a run."""
    git(folder, "checkout", "--quiet", "--", ".")
    git(folder, "clean", "-ffdxq")


def on_disk(folder: Path) -> int:
    """Bytes that the files of a folder take, those with several names counted once."""
    found = {stat.st_ino: stat.st_blocks * 512 for path in folder.rglob("*") if S_ISREG((stat := path.lstat()).st_mode)}
    return sum(found.values())


def entries(lock: bytes, *stages: str) -> dict[str, object]:
    """What a lock says of some stages."""
    found = yaml.safe_load(lock)["stages"]
    return {stage: found[stage] for stage in stages}


def with_mounts(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in the clone that may mount what it likes, and the rest of the machine sees nothing of it."""
    for namespace in NAMESPACES:
        if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode == 0:
            return attempt(folder, *namespace, "sh", "-euc", script)
    raise AssertionError(
        "mounting needs user namespaces (`sysctl kernel.unprivileged_userns_clone=1`, and on Ubuntu "
        "`kernel.apparmor_restrict_unprivileged_userns=0`) or root: this machine allows neither"
    )
