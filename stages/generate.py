"""Answer one benchmark's questions with one system: write answers, and take the likelihood of choices.

In this process, in several that share the work, or through a server: `run.server` names which (stages/servers).
Under a launcher of your own: torchrun --nproc_per_node 8 -m stages.generate --model M … --server local
"""

import argparse
import importlib
import shutil
from pathlib import Path
from typing import get_args

from stages.core import command_line, parameters
from stages.core.parameters import Section
from stages.decoding.conditions import CONDITIONS
from stages.decoding.parameters import Decoding, OpenEnded, Reading, load_asking
from stages.records import files
from stages.records.question import Question
from stages.records.results import Generation
from stages.records.systems import Arm, System

OUT = Path("data/generations")
PARTIAL = Path(".cache/generations")


def main() -> None:
    arguments = parse()
    from stages.decoding.prompts import Job

    system = System(
        model=arguments.model,
        arm=arguments.arm,
        condition=arguments.condition,
        seed=arguments.seed,
        rival="official" if arguments.official else None,
    )
    scale, benchmark = arguments.scale, arguments.benchmark
    open_ended = benchmark == "open_ended"
    job = Job(
        folder=folder(system),
        name=benchmark,
        benchmark=importlib.import_module(f"stages.benchmarks.{benchmark}"),
        readings=["written"] if open_ended else parameters.load(f"scales.{scale}.generate.readings", list[Reading]),
        condition=system.condition,
        asking=(
            parameters.load(f"scales.{scale}.preference.decoding", OpenEnded)
            if open_ended
            else load_asking(scale, benchmark)
        ),
        decoding=parameters.load(f"scales.{scale}.generate.decoding", Decoding),
        seed=parameters.load("seed", int),
        partial=PARTIAL / system.name / benchmark,
        restates=system.arm == "restated",
    )
    questions = files.read_jsonl(Path("data/questions") / f"{benchmark}.jsonl", Question)
    others = own_roles(system, benchmark) if system.condition == "random" else None
    # By its name alone: how requests travel to a server shapes no answer, and mending it must cost no generation.
    server = importlib.import_module(f"stages.servers.{arguments.server}")
    preset: Section = parameters.load(f"servers.{arguments.server}", server.PRESET)
    generations = server.answer(job, questions, others, preset)
    if generations is not None:
        files.write_jsonl(OUT / system.name / f"{benchmark}.jsonl", generations)
        shutil.rmtree(job.partial, ignore_errors=True)


def folder(system: System) -> Path:
    """Where the system's weights are."""
    if system.arm is None:
        return Path("data/official" if system.rival else "data/base") / system.model
    return Path("data/models") / f"{system.model}-{system.arm}-{system.seed}"


def own_roles(system: System, benchmark: str) -> list[str | None]:
    """The roles that the same weights wrote without a condition."""
    plain = system.model_copy(update={"condition": None})
    return [written.role for written in files.read_jsonl(OUT / plain.name / f"{benchmark}.jsonl", Generation)]


def parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True, help="a key of `models` in params.yaml")
    parser.add_argument(
        "--arm", choices=get_args(Arm), help="what was trained; without it, the model before fine-tuning answers"
    )
    known = [condition for each in CONDITIONS.values() for condition in each]
    parser.add_argument("--condition", choices=known, help="what is done at inference (stages/decoding/conditions.py)")
    parser.add_argument("--seed", type=int, help="the arm's seed of training")
    parser.add_argument("--official", action="store_true", help="the model's official chat version answers")
    benchmarks = command_line.modules("stages/benchmarks", "ANSWER_KIND")
    parser.add_argument("--benchmark", required=True, choices=benchmarks, help="a file of stages/benchmarks")
    parser.add_argument("--scale", required=True, help="a key of `scales` in params.yaml")
    servers = command_line.modules("stages/servers", "PRESET")
    parser.add_argument("--server", default="local", choices=servers, help="a key of `servers` in params.yaml")
    parser.add_argument("--local_rank", type=int, help=argparse.SUPPRESS)  # DeepSpeed's launcher passes it
    return parser.parse_args()


if __name__ == "__main__":
    command_line.run(main)
