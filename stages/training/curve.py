"""The learning rate at each step, and the loss curve: its lines and its file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields


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
    values = [[f"{value:.6g}" if isinstance(value, float) else value for value in astuple(row)] for row in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[field.name for field in fields(LossRow)], *values])
    return text.getvalue()


def linear_decay(step: int, steps: int, start: float, end: float) -> float:
    """From ``start`` at step 0 to ``end`` at the last of ``steps``, without warm-up (LIMA, section 3)."""
    if steps < 2:
        return start
    return start + (end - start) * step / (steps - 1)
