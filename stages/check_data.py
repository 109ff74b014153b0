"""Check the data that stand in the repository: data/bundled and data/annotations.

For those who add to them: each fault is printed with its file and line, and the exit code is 1 if there is one.
"""

import os
import sys
from pathlib import Path

from stages.core import command_line
from stages.corpora.roots import MIRROR_VARIABLE, Source
from stages.data_checks.checking import check_against_mirror, check_data


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--mirror",
        action="store_true",
        help=f"also compare with the real data sets in the folder that {MIRROR_VARIABLE} names",
    )
    mirror = parser.parse_args().mirror
    if mirror:
        Source("mirror")  # an error at once if it is not there
    report, contents = check_data(Path("data"))
    if mirror:
        check_against_mirror(contents, Path(os.environ[MIRROR_VARIABLE]), report)
    faults = report.in_order()
    print(*report.measures, *faults, f"{len(faults)} fault(s)", sep="\n")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    command_line.run(main)
