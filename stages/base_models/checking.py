"""Whether a model that someone brings can be used, before anything is made of it: files, weights, chat template.

The chat template is a program of others. It is tried in a process of its own, with a limit of time and of memory.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stages.core.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SECONDS, MEGABYTES = 20, 1024
"""What a chat template may take on a sample, beyond what loading the tokenizer takes."""
STARTING = 120
"""Seconds that the libraries may take to start in the process that tries the template."""


def check_whole(folder: Path, told: str) -> None:
    """Read every JSON file and every header of weights.

    Raises:
        InputError: A file is missing or damaged: it is named.
    """
    if not (folder / "config.json").is_file():
        raise InputError(f"{told} holds no config.json: a model folder is expected there")
    if (folder / "adapter_config.json").is_file():  # the library would fetch the model that it names instead
        raise InputError(f"{told} holds adapter_config.json, an adapter: merge it into its model, and bring that")
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise InputError(f"{told}: {path.name} is damaged, it is not JSON ({error}): bring it again") from None
        if path.name.endswith(".safetensors.index.json"):
            _check_shards(folder, content, told, path.name)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise InputError(
            f"{told} holds no weights, expected config.json and *.safetensors: other forms of weights can run code and "
            "are not read; save the model by `save_pretrained`, which writes safetensors"
        )
    for path in weights:
        _check_header(path, told)


def _check_shards(folder: Path, index: object, told: str, name: str) -> None:
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict):
        raise InputError(f"{told}: {name} is damaged, it has no `weight_map`: bring it again")
    if missing := sorted({str(shard) for shard in shards.values() if not (folder / str(shard)).is_file()}):
        raise InputError(f"{told}: {', '.join(missing)} of {name} is missing: bring it too")


def _check_header(path: Path, told: str) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt"):
            pass
    except (SafetensorError, OSError) as error:
        raise InputError(f"{told}: {path.name} is damaged ({error}): bring it again") from None


@contextmanager
def reading(what: str, remedy: str) -> Iterator[None]:
    """Have any failure of a library on others' files end in one line."""
    try:
        yield
    except Exception as error:  # tokenizers and configurations fail in many ways
        raise InputError(f"{what} cannot be read: {remedy} ({type(error).__name__}: {error})") from error


def check_tokenizer(tokenizer: "PreTrainedTokenizerBase", told: str) -> None:
    """Refuse tokenizers that do not tell where in a text a token stands: answers are masked by that."""
    if not tokenizer.is_fast:
        raise InputError(
            f"{told}: its tokenizer, a {type(tokenizer).__name__}, does not tell where in a text a token stands: put a "
            "tokenizer.json there, as fast tokenizers have it"
        )
    if tokenizer.eos_token_id is None:
        raise InputError(f"{told}: its tokenizer has no end of sequence: name `eos_token` in tokenizer_config.json")


def check_weights(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", told: str) -> None:
    """Refuse weights that are no numbers, and a tokenizer with more tokens than the model has rows for.

    Raises:
        InputError: The weight, or the token, is named.
    """
    import torch

    for name, weight in model.state_dict().items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            raise InputError(f"{told}: the weight {name} holds NaN or infinite values: bring the weights again")
    rows = len(model.get_input_embeddings().weight)  # type: ignore[arg-type]
    token, largest = max(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    if largest >= rows:
        raise InputError(
            f"{told}: its tokenizer has a token {token!r} of number {largest}, its model {rows} embeddings: tokenizer "
            "and model belong to different models"
        )


def try_template(folder: Path, told: str) -> None:
    """Try the chat template of a saved tokenizer on a sample, in a process that it cannot harm this one from.

    Raises:
        InputError: It fails, does not end, takes too much memory, or cannot be masked; the message says what to do.
    """
    command = [sys.executable, "-m", "stages.base_models.checking", str(folder), told, str(SECONDS)]
    places = [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
    limit = STARTING + 2 * SECONDS
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(_template_fault(told, f"does not end within {limit} seconds")) from None
    if done.returncode == 2:
        raise InputError(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        fault = f"does not end within {SECONDS} seconds of work, or needs more than {MEGABYTES} MB of memory"
        raise InputError(_template_fault(told, f"{fault} (the process that tried it ended by {done.returncode})"))


def _template_fault(told: str, fault: str) -> str:
    return (
        f"{told}: its chat template {fault}: mend the template, or set `chat_template` of this model in params.yaml to "
        "one of stages/chat/jinja, such as plain"
    )


def main() -> None:
    """The process that tries a template: its folder, what messages call it, seconds. Ends by 2 if it is refused."""
    from transformers import AutoTokenizer

    from stages.chat.templates import check_template

    folder, told, seconds = sys.argv[1:]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.name_or_path = told
    first = [{"role": "user", "content": ""}]
    tokenizer.apply_chat_template(first, chat_template="x", tokenize=False)  # loads what is not the template's cost
    _limit(int(seconds))
    try:
        check_template(tokenizer)
    except InputError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)


def _limit(more_seconds: int) -> None:
    """Bound what this process takes from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + more_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    pages = Path("/proc/self/statm")
    if pages.is_file():
        taken = int(pages.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEGABYTES * 2**20,) * 2)


if __name__ == "__main__":
    main()
