"""Mend what a killed `dvc repro`, or a full disk, may leave that DVC refuses to read; `make repro` begins with it.

DVC writes dvc.lock and its own .dvc/tmp/rwlock in place, so a kill at that moment leaves a part of the file. This keeps
the whole entries of dvc.lock. DVC finds the other results in its run cache, so nothing is computed twice. Unfinished
copies in the cache, which DVC never removes, are deleted.
"""

import json
import logging
from pathlib import Path

from stages.core import command_line
from stages.core.errors import InputError
from stages.records import files

LOCK = Path("dvc.lock")
CACHE = Path(".dvc/cache")
IN_USE = Path(".dvc/tmp/rwlock")
CUT_OFF = "%s was cut off, by a kill or a full disk: %s"

logger = logging.getLogger("repair")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    repair_lock(LOCK)
    if IN_USE.is_file():
        try:
            json.loads(IN_USE.read_text(encoding="utf-8", errors="replace"))
        except json.JSONDecodeError:
            IN_USE.unlink()
            logger.warning(CUT_OFF, IN_USE, "removed, DVC makes it anew")
    remove_unfinished(CACHE)


def repair_lock(lock: Path) -> None:
    """Keep the whole entries of a lock whose writing was cut off; leave a whole lock as it is.

    Raises:
        InputError: It holds both sides of a merge, which is for people to settle.
    """
    text = lock.read_text(encoding="utf-8", errors="replace") if lock.is_file() else None
    if text is None or (text.endswith("\n") and _readable(text)):
        return
    if "<<<<<<< " in text:
        raise InputError(f"{lock} holds both sides of a merge: `git checkout --ours {lock}`, then `dvc repro`")
    if kept := whole_entries(text):
        files.write_text(lock, kept)
    else:
        lock.unlink()
    logger.warning(CUT_OFF, lock, "its whole entries are kept" if kept else "removed")


def whole_entries(text: str) -> str:
    """The lock up to its last entry, which may be cut off anywhere; empty if not even one is whole."""
    lines = text.splitlines(keepends=True)
    entries = [place for place, line in enumerate(lines) if line.startswith("  ") and line[2:3].strip()]
    kept = "".join(lines[: entries[-1]]) if len(entries) > 1 else ""
    return kept if _readable(kept) else ""


def _readable(text: str) -> bool:
    """Whether DVC takes it for a lock."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
    from voluptuous import Invalid

    try:
        COMPILED_LOCKFILE_SCHEMA(parse_yaml(text, LOCK))
    except (YAMLFileCorruptedError, Invalid):
        return False
    return True


def remove_unfinished(cache: Path) -> None:
    """Delete copies that DVC did not finish; on a full disk each try would leave one more."""
    if not (found := list(cache.rglob(".*.tmp"))):
        return
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        with Repo() as repo, repo.lock:  # while it is held, no other command copies into the cache
            for path in found:
                path.unlink(missing_ok=True)
        logger.warning("%s: %d unfinished file(s) removed", cache, len(found))
    except LockError:
        logger.warning("%s: unfinished files are left, as another DVC command runs", cache)


if __name__ == "__main__":
    command_line.run(main)
