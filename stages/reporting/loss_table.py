"""All loss curves in one table, from which ``dvc plots`` lays the arms and revisions over one another."""

from collections.abc import Iterator, Sequence
from typing import Any

from stages.reporting.inputs import Inputs

COLUMNS = ("model", "arm", "seed", "step", "tokens", "loss", "validation_answer_loss")


def rows(inputs: Inputs) -> Iterator[Sequence[Any]]:
    """A row for each line of ``plots/loss/<system>.csv``, in the order of the plan."""
    for system in inputs.plan.systems:
        if system.condition is None:
            for found in inputs.losses.get(system.name, []):
                step, tokens = (int(found[key] or 0) for key in ("step", "tokens"))
                losses = (found.get(key) for key in ("loss", "validation_answer_loss"))
                yield (system.model, system.arm, system.seed, step, tokens, *losses)
