"""Checkpoints of a run: a killed training goes on from the last one, to the same bytes.

A checkpoint is a folder ``step-<n>`` with DeepSpeed's files (weights, optimizer states), the random state of each
process, the lines of the loss curve so far, and, written last, a manifest of all files with their SHA-256. It is
written under another name and renamed when whole; one without a manifest, or other than its manifest, is passed over.
Checkpoints stand under a fingerprint of all that shapes the run, so that no other run ever takes them up. They are
loaded as weights alone: torch refuses a file that would run code.
"""

import hashlib
import importlib.metadata
import json
import logging
import os
import pickle
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed
from deepspeed import DeepSpeedEngine
from deepspeed.runtime.fp16.loss_scaler import DynamicLossScaler, LossScaler
from deepspeed.runtime.zero.config import ZeroStageEnum
from deepspeed.utils.tensor_fragment import fragment_address

from stages.core.errors import InputError
from stages.core.machine import free_bytes
from stages.records import files
from stages.training.curve import LossRow
from stages.training.engine import rank

Chosen = TypeVar("Chosen")


def _zero_stage(kind: Any, name: str) -> ZeroStageEnum:
    """What stands for ``getattr`` in a checkpoint: early Pythons 3.11 write a member of an enum as its attribute."""
    if kind is not ZeroStageEnum:
        raise pickle.UnpicklingError(f"{name} is asked of {kind}")
    return ZeroStageEnum[name]


SAFE = [LossScaler, DynamicLossScaler, ZeroStageEnum, fragment_address, (_zero_stage, "builtins.getattr")]
"""What DeepSpeed writes into its files, beside torch's own classes."""
logger = logging.getLogger(__name__)

KEPT = 2
MANIFEST, CURVE = "manifest.json", "curve.json"
BYTES_A_PARAMETER = 16
"""Weights, master weights and two moments in float32: an upper bound of what a checkpoint takes."""


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run in ``folder``: one every ``every`` optimizer steps, or none where that is None."""

    folder: Path
    fingerprint: str
    every: int | None

    @property
    def home(self) -> Path:
        return self.folder / self.fingerprint[:16]

    def resume(self, engine: DeepSpeedEngine) -> list[LossRow]:
        """Bring the newest whole checkpoint into the engine; the loss curve up to it, empty where there is none."""
        if rank() == 0:
            self._forget_others()
        found = _agreed(self._newest)
        if found is None:
            return []
        _load_weights_only(engine, self.home, found)
        state = torch.load(self.home / found / f"random-{rank()}.pt", weights_only=True)
        torch.set_rng_state(state["cpu"])
        if "cuda" in state:
            torch.cuda.set_rng_state(state["cuda"])
        curve = json.loads((self.home / found / CURVE).read_text())
        logger.warning("going on from the checkpoint after step %d", curve[-1]["step"])
        return [LossRow(**row) for row in curve]

    def save_if_due(self, engine: DeepSpeedEngine, curve: Sequence[LossRow]) -> None:
        """Write a checkpoint if the last step is one that gets one; all processes take part."""
        step = curve[-1].step
        if self.every is None or step % self.every or not _agreed(lambda: self._has_room(engine)):
            return
        name = f"step-{step:07d}"
        unfinished = f"{name}.unfinished"
        if rank() == 0:
            shutil.rmtree(self.home / unfinished, ignore_errors=True)
            (self.home / unfinished).mkdir(parents=True)
        torch.distributed.barrier()
        engine.save_checkpoint(str(self.home), tag=unfinished, save_latest=False)
        state = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            state["cuda"] = torch.cuda.get_rng_state()
        torch.save(state, self.home / unfinished / f"random-{rank()}.pt")
        torch.distributed.barrier()
        if rank() == 0:
            files.write_json(self.home / unfinished / CURVE, [asdict(row) for row in curve])
            _seal(self.home / unfinished)
            shutil.rmtree(self.home / name, ignore_errors=True)
            (self.home / unfinished).rename(self.home / name)
            for old in sorted(self.home.glob("step-*[0-9]"))[:-KEPT]:
                shutil.rmtree(old)
        torch.distributed.barrier()

    def _forget_others(self) -> None:
        for other in self.folder.glob("*"):
            if other != self.home:
                logger.warning("%s is of a run with other settings, data or code: removed", other)
                shutil.rmtree(other)

    def _newest(self) -> str | None:
        for folder in sorted(self.home.glob("step-*[0-9]"), reverse=True):
            if _whole(folder):
                return folder.name
            logger.warning("%s is not whole: passed over", folder)
        return None

    def _has_room(self, engine: DeepSpeedEngine) -> bool:
        # Under ZeRO-3 a parameter is empty between its uses, and its size stands in ds_numel.
        elements = sum(getattr(parameter, "ds_numel", parameter.numel()) for parameter in engine.module.parameters())
        free, needed = free_bytes(self.home), elements * BYTES_A_PARAMETER
        if free < needed:
            logger.warning("no checkpoint: %.1f GB free, up to %.1f GB needed", free / 1e9, needed / 1e9)
        return free >= needed


def _load_weights_only(engine: DeepSpeedEngine, home: Path, tag: str) -> None:
    """DeepSpeed's loading, which would unpickle anything, held by torch to tensors and a few classes of DeepSpeed."""
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # what is loaded from here on is tensors alone
    try:
        with torch.serialization.safe_globals(SAFE):
            loaded = engine.load_checkpoint(str(home), tag=tag)[0]
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{home / tag} holds more than weights and states, and is not loaded: remove it, then run this again "
            f"({str(error).splitlines()[0]})"
        ) from error
    if loaded is None:
        raise RuntimeError(f"{home / tag} could not be read, though its files are whole: remove it")


def _agreed(choose: Callable[[], Chosen]) -> Chosen:
    """What the first process chooses, on every process."""
    chosen: list[Any] = [choose() if rank() == 0 else None]
    torch.distributed.broadcast_object_list(chosen)
    found: Chosen = chosen[0]
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal(folder: Path) -> None:
    """Bring all files to the disk, then write down what they are."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    files.write_json(folder / MANIFEST, _hashes(folder))


def _whole(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / MANIFEST).read_text()) == _hashes(folder))
    except (OSError, ValueError):
        return False


def _hashes(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in paths}


def fingerprint(base: Path, shaping: Sequence[object]) -> str:
    """Hash of base weights, the given values (by their representation), library versions and this folder's code."""
    digest = hashlib.sha256()
    code = sorted(Path(__file__).parent.glob("*.py"))
    for path in [*sorted(base.glob("*.safetensors")), base / "config.json", *code]:
        digest.update(_sha256(path).encode())
    versions = [importlib.metadata.version(name) for name in ("torch", "transformers", "deepspeed")]
    digest.update(repr([versions, *shaping]).encode())
    return digest.hexdigest()
