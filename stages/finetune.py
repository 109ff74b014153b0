"""Fine-tune a base model on one arm of the corpus with DeepSpeed ZeRO.

One process a GPU, or one on a machine without, unless the recipe's `processes` says otherwise; or a launcher of yours:
deepspeed --hostfile HOSTS --module stages.finetune --model M --arm role --seed 1 --scale paper

`python -m stages.tools.estimate` says what it will take, `python -m stages.tools.preview` shows what an arm learns.
"""

import argparse
import shutil
from pathlib import Path
from typing import get_args

from stages.core import command_line
from stages.core.errors import InputError
from stages.core.machine import check_room
from stages.records import files, numerics
from stages.records.conversation import AnnotatedConversation
from stages.records.systems import Arm, System
from stages.training import recipe as recipes

SPLIT = Path("data/split")
SIDES = ("train", "validation")
CHECKPOINTS = Path(".cache/checkpoints")


def main() -> None:
    arguments = parse()
    recipe = recipes.load(arguments.scale, arguments.model)
    train, validation = (files.read_jsonl(SPLIT / f"{side}.jsonl", AnnotatedConversation) for side in SIDES)
    base = Path("data/base") / arguments.model
    if not (base / "config.json").is_file():
        raise InputError(f"{base} holds no model: run `dvc repro base_model@{arguments.model}`, which makes it")
    check_room(base, Path("data/models"))

    numerics.wait_passively()  # before torch is imported
    from stages.training.engine import relaunch_if_needed

    relaunch_if_needed(recipe.processes)
    from stages.training.run import fine_tune

    system = System(model=arguments.model, arm=arguments.arm, seed=arguments.seed)
    out, checkpoints = Path("data/models") / system.name, CHECKPOINTS / system.name
    trained = fine_tune(base, train, validation, system, recipe, out, checkpoints)
    if trained.first_process:
        files.write_text(Path("plots/loss") / f"{system.name}.csv", trained.losses)
        files.write_json(Path("metrics/finetune") / f"{system.name}.json", trained.metrics)
        shutil.rmtree(checkpoints, ignore_errors=True)


def parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True, help="a key of `models` in params.yaml")
    parser.add_argument("--arm", required=True, choices=get_args(Arm))
    parser.add_argument("--seed", required=True, type=int, help="seed of the order of items and of dropout")
    parser.add_argument("--scale", required=True, help="a key of `scales` in params.yaml")
    parser.add_argument("--local_rank", type=int, help=argparse.SUPPRESS)  # DeepSpeed's launcher passes it
    return parser.parse_args()


if __name__ == "__main__":
    command_line.run(main)
