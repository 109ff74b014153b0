"""Loss curves of the arms."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import style

Rows = Sequence[Mapping[str, float | None]]
WIDTH, HEIGHT = 5.0, 2.1  # inches


def figure(losses: Mapping[str, Mapping[str, Rows]]) -> Figure:
    """Two panels a model; ``losses`` are model → arm and seed → the rows of its loss file."""
    drawn = Figure(figsize=(WIDTH, HEIGHT * len(losses) + 0.2), layout="constrained")
    panels = drawn.subplots(len(losses), 2, squeeze=False)
    for (model, curves), (training, validation) in zip(losses.items(), panels, strict=True):
        for name, rows in curves.items():
            _curve(training, rows, "loss", name, marked=False)
            _curve(validation, rows, "validation_answer_loss", name, marked=True)
        training.set_title(f"{model}: training", loc="left")
        training.set_ylabel("loss (nats a token)")
        validation.set_title("validation, answer tokens alone", loc="left")
        for axes in (training, validation):
            axes.set_xlabel("completion tokens seen")
            axes.margins(y=0.12)
    handles, labels = panels[0][0].get_legend_handles_labels()
    if handles:
        drawn.legend(handles, labels, loc="outside upper right", ncols=min(len(labels), 4))
    return drawn


def _curve(axes: Axes, rows: Rows, key: str, name: str, *, marked: bool) -> None:
    arm = name.partition(" ")[0]
    found: list[tuple[Any, Any]] = [(row["tokens"], row[key]) for row in rows if row.get(key) is not None]
    axes.plot(
        [tokens for tokens, _ in found],
        [loss for _, loss in found],
        color=style.colour(arm),
        linewidth=1.1,
        linestyle=style.line(arm),
        marker=style.marker(arm) if marked or len(found) < 2 else None,
        markersize=3.5,
        label=f"{style.title(arm)}{name.removeprefix(arm)}",
    )
