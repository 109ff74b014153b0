"""Tables for ``dvc plots``."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from stages.records.files import write_text


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table with its header; None becomes an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())
