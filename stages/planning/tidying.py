"""Taking away what earlier choices of ``run`` left: files that no stage owns now, and their entries in ``dvc.lock``."""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from dvc.repo import Repo
from dvc.utils.serialize import dump_yaml, load_yaml

from stages.records import files

logger = logging.getLogger(__name__)

FOLDERS = tuple(
    Path(name)
    for name in (
        "data/base",
        "data/official",
        "data/models",
        "data/questions",
        "data/generations",
        "metrics/finetune",
        "plots/loss",
    )
)
"""Folders in which stages of a matrix write beside one another."""


def tidy(lock: Path = Path("dvc.lock")) -> None:
    """Remove what the pipeline, as ``run`` now unfolds it, does not name.

    The lock's entries are put in the pipeline's order, and a stage that has none yet gets one with its command alone,
    which DVC takes for one that never ran: DVC would add it at the end, so that the order told of earlier choices.
    """
    with Repo() as repo:
        stages = list(repo.index.stages)
        owned = {Path(out.fs_path).resolve() for stage in stages for out in stage.outs}
        commands = {stage.addressing: stage.cmd for stage in stages}
    for folder in FOLDERS:
        for path in unowned(folder.resolve(), owned):
            logger.info("removed: %s is not part of this choice of run", path)
            _remove(path)
    known = load_yaml(str(lock)).get("stages", {}) if lock.is_file() else {}
    entries = {name: known.get(name, {"cmd": command}) for name, command in commands.items()}
    with files.replacing(lock) as temporary:
        dump_yaml(str(temporary), {"schema": "2.0", "stages": entries})


def unowned(folder: Path, owned: set[Path]) -> Iterable[Path]:
    """Paths below a folder that neither are an out, nor hold one, nor lie in one."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path in owned or path.name == ".gitkeep":
            continue
        if any(out.is_relative_to(path) for out in owned):
            yield from unowned(path, owned)
        else:
            yield path


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
