"""Bring one benchmark's questions into the pipeline, in an order of which any first n are a fair sample."""

import importlib
from pathlib import Path

from stages import command_line, files, parameters
from stages.benchmarks.ordering import ordered
from stages.randomness import generator
from stages.sources.roots import Source


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--benchmark", required=True, help="a file of stages/benchmarks")
    parser.add_argument("--data", required=True, help="where repositories are: bundled, hub or mirror")
    arguments = parser.parse_args()
    benchmark = importlib.import_module(f"stages.benchmarks.{arguments.benchmark}")
    seed = parameters.load("seed", int)
    questions = benchmark.questions(Source(arguments.data), generator(seed, "questions", arguments.benchmark))
    ranked = ordered(list(questions), generator(seed, "order", arguments.benchmark))
    files.write_jsonl(Path("data/questions") / f"{arguments.benchmark}.jsonl", ranked)


if __name__ == "__main__":
    command_line.run(main)
