"""Bring one benchmark's questions into the pipeline, in an order of which any first n are a fair sample."""

import importlib
import random
from pathlib import Path

from stages.core import command_line, parameters
from stages.core.errors import InputError
from stages.corpora.ordering import ordered
from stages.corpora.roots import Source
from stages.records import files
from stages.records.question import Question
from stages.records.systems import generator


def main() -> None:
    parser = command_line.parser(__doc__)
    benchmarks = command_line.modules("stages/benchmarks", "ANSWER_KIND")
    parser.add_argument("--benchmark", required=True, choices=benchmarks, help="a file of stages/benchmarks")
    parser.add_argument("--data", required=True, help="where repositories are: bundled, hub or mirror")
    arguments = parser.parse_args()
    seed = parameters.load("seed", int)
    questions = read(arguments.benchmark, Source(arguments.data), generator(seed, "questions", arguments.benchmark))
    equal = getattr(importlib.import_module(f"stages.benchmarks.{arguments.benchmark}"), "SAMPLE", None) == "equal"
    ranked = ordered(questions, generator(seed, "order", arguments.benchmark), equal=equal)
    files.write_jsonl(Path("data/questions") / f"{arguments.benchmark}.jsonl", ranked)


def read(name: str, source: Source, rng: random.Random) -> list[Question]:
    """All questions, as the benchmark's own file makes them of rows.

    Raises:
        InputError: A row is not as it expects, or none becomes a question to be asked.
    """
    benchmark = importlib.import_module(f"stages.benchmarks.{name}")
    try:
        found = list(benchmark.questions(source, rng))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{name}, from {source}: the rows are not as stages/benchmarks/{name}.py expects them "
            f"({type(error).__name__}: {error}): its REPOSITORY has the fields in another form, or too few rows"
        ) from error
    if not any(question.use == "test" for question in found):
        raise InputError(
            f"{name}, from {source}: none of {len(found)} questions is to be asked (use: test): the split that "
            f"stages/benchmarks/{name}.py reads is empty, or its rows are all taken as worked examples"
        )
    return found


if __name__ == "__main__":
    command_line.run(main)
