"""Run the pipeline again in a temporary clone, and report which outs have the same bytes.

Exit code 0: all have, or the results here come from another kind of processor and all metrics are within the tolerance.
Exit code 1 otherwise. Each run takes as long as the whole pipeline.
"""

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from stages.core import command_line, run_log
from stages.core.errors import InputError

RESULTS = ("dvc.lock", "metrics", "plots")  # as committed, they would pass for results of the rerun
SHARED = (".cache/wheels", ".cache/requests")  # downloads with a known hash, and answers that were paid for
INPUTS = ("data/corpora", "data/model_folders")  # inputs of one's own, which Git may not keep
DVC = (sys.executable, "-m", "dvc")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--clones", type=int, choices=(1, 2), default=1, help="2: two fresh clones with each other")
    parser.add_argument("--force", action="store_true", help="then `dvc repro --force` in the clone, compared too")
    parser.add_argument("--keep", action="store_true", help="leave the clones where they are, and say where")
    parser.add_argument("--tolerance", type=float, default=0.02, help="absolute, for numbers in metrics (0.02)")
    arguments, here = parser.parse_args(), Path.cwd()
    alone = arguments.clones == 1
    if alone:
        read_outs(here)  # an error at once if there is nothing to compare with
    work = Path(tempfile.mkdtemp(prefix="verify-"))
    try:
        first = rerun(clone(here, work / "one"))
        good = compare(here if alone else rerun(clone(here, work / "two")), first, arguments.tolerance)
        if arguments.force:
            before = shutil.copytree(first, work / "before", symlinks=True, ignore=shutil.ignore_patterns("cache"))
            good &= compare(before, rerun(first, "--force"), arguments.tolerance)
    finally:
        print(f"kept: {work}") if arguments.keep else shutil.rmtree(work, ignore_errors=True)
    sys.exit(0 if good else 1)


def clone(source: Path, folder: Path) -> Path:
    """The current commit with today's ``params.yaml``, without results, and with a DVC cache of its own."""
    others = [f":!{name}" for name in (*RESULTS, "params.yaml")]
    if changed := run(source, "git", "status", "--short", "--", ".", *others):
        print(f"The rerun takes these as committed:\n{changed}", end="")
    run(source, "git", "clone", "--quiet", str(source), str(folder))
    shutil.copy2(source / "params.yaml", folder)
    run(folder, "rm", "-rf", *RESULTS)
    own = [path for name in INPUTS for path in (source / name).rglob("*") if path.is_file()]
    for path in [*(source / name for name in SHARED if (source / name).is_dir()), *own]:
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.symlink_to(path.resolve())  # a model may be large; DVC reads through links to files
    run(folder, *DVC, "config", "--local", "cache.dir", str(folder / ".dvc/cache"))
    return folder


def run(folder: Path, *command: str, quiet: bool = True) -> str:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=quiet, text=True, check=False)
    if done.returncode:
        raise InputError(f"{folder}: {' '.join(command)} failed: {done.stderr.strip() if quiet else 'see above'}")
    return done.stdout or ""


def rerun(folder: Path, *options: str) -> Path:
    run(folder, *DVC, "repro", *options, quiet=False)
    return folder


def compare(recorded: Path, again: Path, tolerance: float) -> bool:
    """Print how the results of two folders differ, and return whether the rerun verifies the recorded ones."""
    one, other, elsewhere = read_outs(recorded), read_outs(again), recorded_cpus(recorded) - {run_log.cpu()}
    differing = [out for out in sorted(one.keys() | other.keys()) if one.get(out) != other.get(out)]
    files = {out: recorded / out[1] for out in one if (recorded / out[1]).is_file()}
    tampered = [out for out, file in files.items() if hashlib.md5(file.read_bytes()).hexdigest() != one[out]]
    far = apart(metrics(recorded), metrics(again), tolerance)
    equal = Counter(stage for stage, _ in one.keys() - set(differing))
    good = not tampered and (not far and one.keys() == other.keys() if elsewhere else not differing)
    print(
        *(f"{stage}: {equal[stage]} out(s) equal" for stage in sorted(equal)),
        *(f"{out[0]}: {out[1]} differs (recorded {one.get(out)}, rerun {other.get(out)})" for out in differing),
        *(f"changed since it was made: {out} is not what dvc.lock says" for _, out in tampered),
        *far,
        f"metrics within {tolerance:g}: {f'all but {len(far)}' if far else 'all'}",
        *(f"recorded on {cpu}; rerun on {run_log.cpu()}: only the metrics count" for cpu in sorted(elsewhere)),
        f"{equal.total()} of {len(one)} outs equal: {'verified' if good else 'NOT verified'}",
        sep="\n",
    )
    return good


def read_outs(root: Path) -> dict[tuple[str, str], str]:
    """MD5 by stage and out, as ``dvc.lock`` has them."""
    if not (root / "dvc.lock").is_file():
        raise InputError(f"{root / 'dvc.lock'} does not exist: run `dvc repro` first, to have what is compared")
    stages = (yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8")) or {}).get("stages", {})
    return {(name, out["path"]): out["md5"] for name, stage in stages.items() for out in stage.get("outs", [])}


def recorded_cpus(root: Path) -> set[str]:
    """Kinds of processor of each stage's last good run, as the log tells; none in a fresh clone."""
    good = (each for each in logged_runs(root) if each["stage"] and each["outcome"] == "ok")
    return set({each["stage"]: each["cpu"] for each in good}.values())


def logged_runs(root: Path) -> Iterator[dict[str, Any]]:
    """The lines of the log of runs, but for those that a kill cut off."""
    log = root / run_log.LOG
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        with suppress(ValueError):
            yield json.loads(line)


def metrics(root: Path) -> dict[str, Any]:
    files = (root / "metrics").rglob("*.json")
    return {str(path.relative_to(root)): json.loads(path.read_text(encoding="utf-8")) for path in files}


def apart(one: Any, other: Any, tolerance: float, *keys: str) -> list[str]:
    """A line for each value that stands on one side alone, or on both but farther apart than the tolerance."""
    one, other = (dict(enumerate(value)) if isinstance(value, list) else value for value in (one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(one.keys() | other.keys())
        return [line for name in names for line in apart(one.get(name), other.get(name), tolerance, *keys, str(name))]
    numbers = all(isinstance(value, int | float) for value in (one, other))
    if one == other or (numbers and math.isclose(one, other, rel_tol=0.0, abs_tol=tolerance)):
        return []
    return [f"{' '.join(keys)}: {one} recorded, {other} in the rerun"]


if __name__ == "__main__":
    command_line.run(main)
