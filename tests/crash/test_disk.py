"""A disk that is full, and a cache that may not be written to: no file is half there, and the next run goes on."""

import subprocess
from pathlib import Path

import pytest

from tests.crash.support import differing, entries, files_of, finish, on_disk, with_mounts
from tests.temporary_clone import run

pytestmark = pytest.mark.crash

STEPS = 5
"""In how many parts the disk grows by what a whole run writes, beginning with no room at all."""

FOLDERS = ("data/base/", "data/models/")
"""Models are written file by file; DVC removes what it finds there before it makes one again."""

ON_A_SMALL_DISK = """
mkdir ../disk ../after
mount -t tmpfs -o size={size} tmpfs ../disk
cp --archive . ../disk
code=0; (cd ../disk; dvc repro) || code=$?
cp --archive ../disk/. ../after
exit $code
"""
WITH_A_READ_ONLY_CACHE = """
mkdir --parents .dvc/cache
mount --bind .dvc/cache .dvc/cache
mount -o remount,bind,ro .dvc/cache
dvc repro {targets}
"""


def test_a_full_disk_leaves_the_old_or_the_new_and_the_next_run_goes_on(undisturbed, repository):
    old, new = results(repository), results(undisturbed.folder)
    room, full = on_disk(repository), 0
    while (done := on_small_disk(repository, room)).returncode:
        said = finish(repository, "python -m stages.tools.repair")
        print(f"full at {room:,} bytes: {last_words(done)}; {said.strip() or 'nothing to repair'}", flush=True)
        left = results(repository)
        assert not [name for name in left if left[name] not in (old.get(name), new.get(name))]
        full, room = full + 1, room + undisturbed.grown // STEPS
    assert full >= STEPS - 1
    assert not differing(files_of(repository), undisturbed.files)


def on_small_disk(repository: Path, size: int) -> subprocess.CompletedProcess[str]:
    """Run there what is left to run, and take over what it leaves."""
    done = with_mounts(repository, ON_A_SMALL_DISK.format(size=size))
    run(repository.parent, "rm", "-rf", "disk", repository.name)
    (repository.parent / "after").rename(repository)
    return done


def results(folder: Path) -> dict[str, bytes]:
    """Every file that a stage has written, and is not part of a model."""
    paths = [path for name in ("data", "metrics", "plots") for path in (folder / name).rglob("*") if path.is_file()]
    named = {str(path.relative_to(folder)): path for path in paths}
    return {name: path.read_bytes() for name, path in named.items() if not name.startswith(FOLDERS)}


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """The line that says what happened."""
    words = ("No space left", "is full", " are free")  # the last is the trainer's, which asks before it begins
    said = [line for line in (done.stdout + done.stderr).splitlines() if any(word in line for word in words)]
    assert said, (done.stdout + done.stderr)[-3000:]
    return said[-1].strip()


def test_a_cache_that_is_read_only_is_named_and_the_next_run_goes_on(undisturbed, repository):
    done = with_mounts(repository, WITH_A_READ_ONLY_CACHE.format(targets="split"))
    assert done.returncode
    assert "Read-only file system" in done.stderr
    assert ".dvc/cache" in done.stderr
    assert "dvc repro" not in finish(repository, "python -m stages.tools.repair")
    finish(repository, "dvc repro split")
    made = ("plan", "corpus", "annotate", "split")
    lock = (repository / "dvc.lock").read_bytes()
    assert entries(lock, *made) == entries(undisturbed.files["dvc.lock"], *made)


def test_a_finished_run_is_up_to_date_with_a_cache_that_is_read_only(undisturbed):
    done = with_mounts(undisturbed.folder, WITH_A_READ_ONLY_CACHE.format(targets=""))
    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout
