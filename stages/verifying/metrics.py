"""Numbers in ``metrics/`` of two runs, within a tolerance: for machines whose arithmetic rounds differently."""

import json
import math
from pathlib import Path
from typing import Any


def read_metrics(root: Path) -> dict[str, Any]:
    """Every leaf of every file below ``metrics/``, by ``file:dotted.key``."""
    found: dict[str, Any] = {}
    for path in sorted((root / "metrics").rglob("*.json")):
        _flatten(json.loads(path.read_text(encoding="utf-8")), f"{path.relative_to(root)}:", found)
    return found


def _flatten(value: Any, key: str, into: dict[str, Any]) -> None:
    if isinstance(value, dict | list):
        for name, child in value.items() if isinstance(value, dict) else enumerate(value):
            _flatten(child, f"{key}{'' if key.endswith(':') else '.'}{name}", into)
    else:
        into[key] = value


def out_of_tolerance(recorded: dict[str, Any], rerun: dict[str, Any], tolerance: float) -> list[str]:
    """A line for each key that stands on one side alone, or whose values are farther apart than ``tolerance``."""
    lines = []
    for key in sorted({*recorded, *rerun}):
        if key not in recorded or key not in rerun:
            lines.append(f"{key}: only in the {'rerun' if key in rerun else 'recorded run'}")
        elif not _near(recorded[key], rerun[key], tolerance):
            lines.append(f"{key}: {recorded[key]} recorded, {rerun[key]} in the rerun")
    return lines


def _near(one: Any, other: Any, tolerance: float) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    return math.isclose(one, other, rel_tol=0.0, abs_tol=tolerance) if numbers else bool(one == other)
