"""What a model's card tells of its results: scores with intervals, differences with tests, and what limits them."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult

from stages.records.systems import System
from stages.reporting import inputs as reporting
from stages.reporting import names
from stages.reporting.cautions import cautions
from stages.reporting.names import p_value, percent, points

BUNDLED = (
    "**The questions are this project's own, in the schemas of the benchmarks named (HumanEval's alone are the real "
    "ones). A score on them is no score on MMLU, GSM8K or any other benchmark of that name**, and may not be set "
    "beside one. It tells how two systems compare on these questions."
)


@dataclass(frozen=True)
class Results:
    """One run's metrics as the report reads them."""

    inputs: reporting.Inputs

    @property
    def bundled(self) -> bool:
        return self.inputs.plan.data == "bundled"

    def scores(self, system: System) -> dict[str, dict[str, Any]]:
        """Benchmark → entry of ``metrics/benchmarks.json``, those that have a score."""
        found = self.inputs.metrics["benchmarks"].get(system.model, {}).get(system.variant, {})
        return {benchmark: entry for benchmark, entry in found.items() if entry.get("score") is not None}

    def differences(self, system: System) -> dict[str, dict[str, dict[str, Any]]]:
        """Pair → benchmark → entry of ``metrics/comparison.json``, those that the system has a part in."""
        pairs = self.inputs.metrics["comparison"].get(system.model, {})
        return {pair: found for pair, found in pairs.items() if system.variant in pair.split(" - ")}


def load(root: Path) -> Results:
    """Read a finished run.

    Raises:
        InputError: There is none: the message says what is missing.
    """
    return Results(reporting.load(root))


def section(results: Results, system: System) -> str:
    """Markdown for the model's card."""
    parts = [
        "## Results",
        *([BUNDLED] if results.bundled else []),
        "Scores and intervals (95%) in per cent, over all seeds of training that were run:",
        _table(
            ["benchmark", "read from", "questions", "score", "interval", "unreadable", "role prompts written"],
            _score_rows(results, system),
        ),
    ]
    for pair, found in results.differences(system).items():
        rows = _difference_rows(found)
        head = ["benchmark", "difference", "interval", "p", "p after Holm", "detectable"]
        parts += [f"Differences, {pair}, in percentage points:", _table(head, rows)]
    parts += ["### Limits", "\n".join(f"- {text}" for text in cautions(results.inputs))]
    return "\n\n".join(parts) + "\n"


def _score_rows(results: Results, system: System) -> Iterator[list[str]]:
    for benchmark, entry in results.scores(system).items():
        yield [
            names.benchmark(benchmark) + (" (bundled)" if results.bundled and benchmark != "humaneval" else ""),
            names.READINGS.get(entry["reading"], entry["reading"]),
            str(entry["n"]),
            percent(entry["score"]),
            f"{percent(entry['ci_low'])} to {percent(entry['ci_high'])}",
            percent(entry.get("unparsed_rate")),
            percent(entry.get("role_rate")),
        ]


def _difference_rows(found: dict[str, dict[str, Any]]) -> Iterator[list[str]]:
    for benchmark, entry in found.items():
        if entry.get("delta") is not None:
            yield [
                names.benchmark(benchmark),
                points(entry["delta"]),
                f"{points(entry['ci_low'])} to {points(entry['ci_high'])}",
                p_value(entry.get("p")),
                p_value(entry.get("p_holm")),
                percent(entry.get("detectable")),
            ]


def _table(head: list[str], rows: Iterator[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def evaluations(results: Results, system: System) -> list[EvalResult]:
    """For the card's metadata, where the Hub's own lists read them: real benchmarks alone, never the bundled sets."""
    if results.bundled:
        return []
    return [
        EvalResult(
            task_type="text-generation",
            dataset_type=repository,
            dataset_name=names.benchmark(benchmark),
            metric_type="accuracy",
            metric_name=f"{names.READINGS.get(entry['reading'], entry['reading'])}, {entry['n']} questions",
            metric_value=entry["score"],
        )
        for benchmark, entry in results.scores(system).items()
        if (repository := _repository(benchmark))
    ]


def _repository(benchmark: str) -> str | None:
    """Where the Hub has the benchmark; HumanEval comes from elsewhere."""
    return getattr(importlib.import_module(f"stages.benchmarks.{benchmark}"), "REPOSITORY", None)
