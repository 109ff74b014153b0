"""Recorded results against a rerun: bytes first, and metrics within a tolerance where bytes differ."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from stages.core import run_log
from stages.verifying.locks import Compared, compare, read_outs
from stages.verifying.machines import recorded_cpus
from stages.verifying.metrics import out_of_tolerance, read_metrics


@dataclass
class Verified:
    """What was found; ``tampered`` are recorded results that no longer have the hash of their lock."""

    outs: list[Compared]
    tampered: list[str]
    here: str
    recorded_on: set[str]
    tolerance: float
    metrics: list[str] = field(default_factory=list)

    @property
    def differing(self) -> list[Compared]:
        return [out for out in self.outs if out.verdict != "equal"]

    @property
    def other_machine(self) -> bool:
        return bool(self.recorded_on - {self.here})

    @property
    def good(self) -> bool:
        """Equal bytes; or, made on another kind of processor, the same outs and metrics within the tolerance."""
        if self.tampered:
            return False
        if self.other_machine:
            return not self.metrics and all(out.verdict == "differs" for out in self.differing)
        return not self.differing


def verify(recorded: Path, rerun: Path, tolerance: float) -> Verified:
    """Compare two copies of the repository, each of which has run."""
    found = Verified(
        outs=compare(read_outs(recorded / "dvc.lock"), read_outs(rerun / "dvc.lock")),
        tampered=changed_since(recorded),
        here=run_log.cpu(),
        recorded_on=recorded_cpus(recorded),
        tolerance=tolerance,
    )
    if found.differing or found.other_machine:
        found.metrics = out_of_tolerance(read_metrics(recorded), read_metrics(rerun), tolerance)
    return found


def changed_since(root: Path) -> list[str]:
    """Outs that are single files, lie here, and are not what the lock says was made."""
    outs = {out: md5 for stage in read_outs(root / "dvc.lock").values() for out, md5 in stage.items()}
    return [out for out, md5 in outs.items() if (root / out).is_file() and _md5(root / out) != md5]


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def lines(found: Verified) -> list[str]:
    """The report: each stage with its outs, then what it amounts to."""
    text = []
    for stage in dict.fromkeys(out.stage for out in found.outs):
        outs = [out for out in found.outs if out.stage == stage]
        text.append(f"{stage}: {len(outs)} out(s) equal" if all(o.verdict == "equal" for o in outs) else f"{stage}:")
        text += [
            f"  {o.out}: {o.verdict} (recorded {o.recorded or 'nothing'}, rerun {o.rerun or 'nothing'})"
            for o in outs
            if o.verdict != "equal"
        ]
    text += [f"changed since it was made: {out} is not what dvc.lock says" for out in found.tampered]
    if found.differing or found.other_machine:
        made = ", ".join(sorted(found.recorded_on)) or "a machine that no log here names"
        text.append(f"recorded on {made}; rerun on {found.here}")
        text.append(
            f"metrics within {found.tolerance:g}: "
            + (f"all but {len(found.metrics)}" if found.metrics else "all")
            + (", on which alone the verdict rests, as the processors are not of one kind" * found.other_machine)
        )
        text += [f"  {line}" for line in found.metrics]
    equal = len(found.outs) - len(found.differing)
    return [*text, f"{equal} of {len(found.outs)} outs equal: {'verified' if found.good else 'NOT verified'}"]
