"""Measure how likely a system finds the reference answers of held-out conversations, after different role prompts.

After its own role prompt, the recorded one, another conversation's, a generic one, and none; the arm `restated`, which
has no role prompt, restates the question's first sentence instead. Writes data/likelihoods/<system>.jsonl.
"""

import argparse
import shutil
from pathlib import Path
from typing import get_args

from stages.core import command_line, parameters
from stages.decoding.parameters import Decoding, ReferenceLikelihoods
from stages.records import files
from stages.records.conversation import AnnotatedConversation
from stages.records.systems import Arm, System, generator

VALIDATION = Path("data/split/validation.jsonl")
OUT = Path("data/likelihoods")
PARTIAL = Path(".cache/likelihoods")


def main() -> None:
    arguments = parse()
    system = System(model=arguments.model, arm=arguments.arm, seed=arguments.seed)
    scale, seed = f"scales.{arguments.scale}", parameters.load("seed", int)
    asking = parameters.load(f"{scale}.likelihood", ReferenceLikelihoods)
    decoding = parameters.load(f"{scale}.generate.decoding", Decoding)
    conversations = files.read_jsonl(VALIDATION, AnnotatedConversation)
    from stages.decoding.references import held_out, own_head, reference_likelihoods

    folder = Path("data/base") / system.model if system.arm is None else Path("data/models") / system.name
    held = held_out(conversations, asking.limit, generator(seed, "likelihood"))
    partial = PARTIAL / system.name
    found = reference_likelihoods(folder, held, own_head(system.arm), asking, decoding, partial)
    files.write_jsonl(OUT / f"{system.name}.jsonl", found)
    shutil.rmtree(partial, ignore_errors=True)


def parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True, help="a key of `models` in params.yaml")
    parser.add_argument(
        "--arm", choices=get_args(Arm), help="what was trained; without it, the model before fine-tuning"
    )
    parser.add_argument("--seed", type=int, help="the arm's seed of training")
    parser.add_argument("--scale", required=True, help="a key of `scales` in params.yaml")
    return parser.parse_args()


if __name__ == "__main__":
    command_line.run(main)
