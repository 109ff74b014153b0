"""What the crash tests share: an undisturbed run, and how another compares with it."""

from dataclasses import dataclass
from pathlib import Path

from tests.temporary_clone import git, run


@dataclass
class Undisturbed:
    """A run that nothing happened to: how long it took and what it left."""

    seconds: float
    files: dict[str, bytes]


def files_of(folder: Path) -> dict[str, bytes]:
    """The lock and every small result, by name; the lock holds the hashes of the others."""
    paths = [folder / "dvc.lock", *(folder / "metrics").rglob("*"), *(folder / "plots").rglob("*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def finish(folder: Path, *commands: str) -> str:
    """Run what `make repro` runs, or the commands given, to its end."""
    return "".join(run(folder, *command.split()) for command in commands or ("python -m stages.repair", "dvc repro"))


def start_anew(folder: Path) -> None:
    """The commit alone: no outs, no cache, no lock of a run."""
    git(folder, "checkout", "--quiet", "--", ".")
    git(folder, "clean", "-ffdxq")
