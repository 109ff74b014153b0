"""Run the pipeline again in a temporary clone, and tell stage by stage whether its outs are the same bytes.

Exit code 0: they are, or the results here come from another kind of processor and all metrics are within the tolerance.
Exit code 1: they are not. Takes as long as the whole pipeline, for each run it makes.
"""

import argparse
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from stages.core import command_line
from stages.verifying.clones import clone, repro, uncommitted
from stages.verifying.locks import read_outs
from stages.verifying.verifying import Verified, lines, verify

logger = logging.getLogger("verify")


def main() -> None:
    arguments = parse()
    here = Path.cwd()
    if arguments.clones == 1:
        read_outs(here / "dvc.lock")  # an error at once if there is nothing to compare with
    for name in uncommitted(here):
        logger.warning("%s differs from the commit: the rerun takes the committed one", name)
    work = Path(tempfile.mkdtemp(prefix="verify-"))
    try:
        results = list(compared(here, work, arguments))
        print(*(line for found in results for line in lines(found)), sep="\n")
    finally:
        print(f"kept: {work}") if arguments.keep else shutil.rmtree(work, ignore_errors=True)
    sys.exit(0 if all(found.good for found in results) else 1)


def compared(here: Path, work: Path, arguments: argparse.Namespace) -> list[Verified]:
    """Each comparison that was asked for, in the order in which its runs were made."""
    first = clone(here, work / "one")
    repro(first)
    if arguments.clones == 1:
        found = [verify(here, first, arguments.tolerance)]
    else:
        second = clone(here, work / "two")
        repro(second)
        found = [verify(first, second, arguments.tolerance)]
    if arguments.force:
        again = shutil.copytree(first, work / "forced", symlinks=True, ignore=shutil.ignore_patterns("cache"))
        repro(first, force=True)
        found.append(verify(again, first, arguments.tolerance))
    return found


def parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--clones", type=int, choices=(1, 2), default=1, help="2: two fresh clones with each other")
    parser.add_argument("--force", action="store_true", help="then `dvc repro --force` in the clone, compared too")
    parser.add_argument("--keep", action="store_true", help="leave the clones where they are, and say where")
    parser.add_argument("--tolerance", type=float, default=0.02, help="absolute, for numbers in metrics (0.02)")
    return parser.parse_args()


if __name__ == "__main__":
    command_line.run(main)
