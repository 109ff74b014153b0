"""The benchmarks' kinds of answer, each found by its name."""

import importlib
from typing import Protocol, cast

from stages.answers.reading import Reading
from stages.records.question import Question


class Kind(Protocol):
    """What each module of ``stages.answers`` that is named by a benchmark offers.

    Those with choices also have ``labels(question)``, spans also ``f1(value, question)``. Code has no ``score``:
    execution says whether a program is right.
    """

    READING: str

    def read(self, text: str, question: Question) -> Reading: ...

    def score(self, value: str | None, question: Question) -> float: ...

    def labels(self, question: Question) -> list[str]: ...

    def f1(self, value: str | None, question: Question) -> float: ...


def kind_name(benchmark: str) -> str:
    return str(importlib.import_module(f"stages.benchmarks.{benchmark}").ANSWER_KIND)


def kind(benchmark: str) -> Kind:
    return cast(Kind, importlib.import_module(f"stages.answers.{kind_name(benchmark)}"))


def scored_benchmarks(benchmarks: list[str]) -> list[str]:
    """Those of the benchmarks that have right answers."""
    return [benchmark for benchmark in benchmarks if kind_name(benchmark) != "none"]
