"""The learning rate at each step, and the loss curve: its lines and its file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class LossRow:
    """A line of ``plots/loss/<model>-<arm>-<seed>.csv``; losses in nats a completion token."""

    step: int
    tokens: int
    loss: float | None
    learning_rate: float | None
    gradient_norm: float | None
    validation_loss: float | None = None
    validation_role_loss: float | None = None
    validation_answer_loss: float | None = None


def as_csv(rows: Sequence[LossRow]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(LossRow.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _rounded(value) for key, value in asdict(row).items()})
    return text.getvalue()


def _rounded(value: float | int | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def linear_decay(step: int, steps: int, start: float, end: float) -> float:
    """From ``start`` at step 0 to ``end`` at the last of ``steps``, without warm-up (LIMA, section 3)."""
    if steps < 2:
        return start
    return start + (end - start) * step / (steps - 1)
