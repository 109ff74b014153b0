"""Refuse files that belong in DVC's cache and not in Git: `python -m tests.large_files FILE…`."""

import sys
from pathlib import Path

LIMIT_KB = 1536
"""Above the largest that stands in Git for a reason, the report."""


def too_large(names: list[str], limit_kb: int = LIMIT_KB) -> list[str]:
    sizes = {name: Path(name).stat().st_size // 1024 for name in names if Path(name).is_file()}
    return [f"{name}: {size:,} kB, over {limit_kb:,}: `dvc add` it" for name, size in sizes.items() if size > limit_kb]


if __name__ == "__main__":
    found = too_large(sys.argv[1:])
    print(*found, sep="\n")
    sys.exit(1 if found else 0)
