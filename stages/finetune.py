"""Fine-tune a base model on one arm of the corpus with DeepSpeed ZeRO.

One process by default; more where the recipe says so, or under a launcher of your own:
deepspeed --hostfile HOSTS --module stages.finetune --model M --arm role --seed 1 --scale paper --corpus lima
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from stages import command_line, files, parameters
from stages.base_models.preset import ModelPreset
from stages.errors import InputError
from stages.records.conversation import AnnotatedConversation
from stages.systems import Arm
from stages.training.recipe import Recipe

SPLIT = Path("data/split")
CHECKPOINTS = Path(".cache/checkpoints")


def main() -> None:
    arguments = parse()
    recipe = parameters.load(f"scales.{arguments.scale}.finetune", Recipe)
    told = [parameters.load(f"models.{arguments.model}.{key}", str) for key in ("origin", "license")]
    train = files.read_jsonl(SPLIT / "train.jsonl", AnnotatedConversation)
    validation = files.read_jsonl(SPLIT / "validation.jsonl", AnnotatedConversation)
    base = Path("data/base") / arguments.model
    if arguments.estimate:
        return print_estimate(arguments, base, recipe, train)

    if not (base / "config.json").is_file():
        raise InputError(f"{base} holds no model: run `dvc repro base_model@{arguments.model}`, which makes it")
    if arguments.preview:
        from stages.training.preview import preview

        return preview(base, train, arguments.preview, arguments.arm, recipe, arguments.seed)

    from stages.training.launch import relaunch_if_needed

    relaunch_if_needed(recipe.processes)
    from stages.training.run import Trained, fine_tune

    name = f"{arguments.model}-{arguments.arm}-{arguments.seed}"
    out, checkpoints = Path("data/models") / name, CHECKPOINTS / name
    trained: Trained = fine_tune(base, train, validation, arguments.arm, arguments.seed, recipe, out, checkpoints)
    if trained.first_process:
        from stages.training.card import Base, card

        about = Base(*told)
        text = card(arguments.model, about, arguments.arm, arguments.seed, arguments.corpus, recipe, trained.metrics)
        files.write_text(out / "README.md", text)
        files.write_text(Path("plots/loss") / f"{name}.csv", trained.losses)
        files.write_json(Path("metrics/finetune") / f"{name}.json", trained.metrics)
        shutil.rmtree(checkpoints, ignore_errors=True)


def print_estimate(
    arguments: argparse.Namespace, base: Path, recipe: Recipe, train: Sequence[AnnotatedConversation]
) -> None:
    from stages.training import estimate

    preset: ModelPreset = parameters.load(f"models.{arguments.model}", ModelPreset)  # type: ignore[arg-type]
    hardware = estimate.Hardware(
        arguments.gpus, arguments.gpus_per_node, arguments.gpu_memory, arguments.tflops, arguments.mfu
    )
    size = estimate.size(estimate.configuration(base, preset), recipe.lora)
    print(estimate.estimate(arguments.model, size, estimate.lengths(base, train, recipe), recipe, hardware))


def parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True, help="a key of `models` in params.yaml")
    parser.add_argument("--arm", required=True, choices=get_args(Arm))
    parser.add_argument("--seed", required=True, type=int, help="seed of the order of items and of dropout")
    parser.add_argument("--scale", required=True, help="a key of `scales` in params.yaml")
    parser.add_argument("--corpus", required=True, help="the corpus's name, for the model card")
    parser.add_argument("--preview", type=int, metavar="N", help="show N items as the arm sees them, and train nothing")
    parser.add_argument("--estimate", action="store_true", help="tell memory, time and disk, and train nothing")
    parser.add_argument("--gpus", type=int, default=8, help="for --estimate (default: 8)")
    parser.add_argument("--gpus-per-node", type=int, default=8, help="for --estimate (default: 8)")
    parser.add_argument("--gpu-memory", type=float, default=80, help="GB, for --estimate (default: 80, an A100's)")
    parser.add_argument("--tflops", type=float, default=312, help="peak of a GPU (default: 312, an A100's in bfloat16)")
    parser.add_argument("--mfu", type=float, default=0.4, help="share of the peak that is reached (default: 0.4)")
    parser.add_argument("--local_rank", type=int, help=argparse.SUPPRESS)  # DeepSpeed's launcher passes it
    return parser.parse_args()


if __name__ == "__main__":
    command_line.run(main)
