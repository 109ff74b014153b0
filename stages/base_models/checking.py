"""Whether a model that someone brings can be used, before anything is made of it: tokenizer, weights, chat template.

The chat template is a program of others. It is tried in a process of its own, with a limit of time and of memory.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
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


@contextmanager
def reading(what: str, remedy: str = "bring it again") -> Iterator[None]:
    """Have any failure of a library on others' files end in one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # libraries fail on them in many ways
        said = next(iter(str(error).splitlines()), "")[:200]
        raise InputError(f"{what} is damaged or of another kind ({type(error).__name__}: {said}): {remedy}") from error


def check_tokenizer(tokenizer: "PreTrainedTokenizerBase", told: str) -> None:
    """Refuse tokenizers that do not tell where in a text a token stands: answers are masked by that."""
    if not tokenizer.is_fast:
        raise InputError(
            f"{told}: its tokenizer, a {type(tokenizer).__name__}, does not tell where in a text a token stands: put a "
            "tokenizer.json there, as fast tokenizers have it"
        )
    if tokenizer.eos_token_id is None:
        raise InputError(f"{told}: its tokenizer has no end of sequence: name `eos_token` in tokenizer_config.json")
    if not tokenizer.tokenize("Moss"):
        raise InputError(f"{told}: tokenizer.json makes no tokens of a text: bring it again")


def check_weights(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", told: str, place: Callable[[str], str]
) -> None:
    """Refuse weights that are no numbers, and a tokenizer with more tokens than the model has rows for.

    Messages call the model ``told``, and the file of a weight what ``place`` makes of the weight's name.
    """
    import torch

    for name, weight in model.state_dict().items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            raise InputError(f"{place(name)}: the weight {name} holds NaN or infinite values: bring the weights again")
    rows = len(model.get_input_embeddings().weight)  # type: ignore[arg-type]
    token, largest = max(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    if largest >= rows:
        raise InputError(
            f"{told}: its tokenizer.json has a token {token!r} of number {largest}, its model {rows} embeddings: "
            "tokenizer and model belong to different models"
        )


def try_template(folder: Path, told: str) -> None:
    """Refuse a saved tokenizer's chat template that fails on a sample, does not end, or cannot be masked.

    It is tried in a process of its own, bounded in time and memory.
    """
    command = [sys.executable, "-m", "stages.base_models.checking", str(folder), told, str(SECONDS)]
    places = [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
    limit = STARTING + 2 * SECONDS
    fault = f"does not end within {SECONDS} seconds of work, or needs more than {MEGABYTES} MB of memory"
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=limit, check=False
        )
        if done.returncode == 0:
            return
        if done.returncode == 2:
            raise InputError(done.stderr.strip().splitlines()[-1])
        fault += f" (the process that tried it ended by {done.returncode})"
    except subprocess.TimeoutExpired:
        fault = f"does not end within {limit} seconds"
    raise InputError(
        f"{told}: its chat template {fault}: mend the template, or set `chat_template` of this model in params.yaml to "
        "one of stages/chat/jinja, such as plain"
    )


def main() -> None:
    """The process that tries a template: its folder, what messages call it, seconds. Ends by 2 if it is refused."""
    from transformers import AutoTokenizer

    from stages.chat.templates import check_template

    folder, told, seconds = sys.argv[1:]
    try:
        with reading(f"{told}: its tokenizer", "mend its tokenizer_config.json and chat template"):
            tokenizer = AutoTokenizer.from_pretrained(folder)
            tokenizer.name_or_path = told
            first = [{"role": "user", "content": ""}]
            tokenizer.apply_chat_template(first, chat_template="x", tokenize=False)  # loads what the template needs
            _limit(int(seconds))
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
