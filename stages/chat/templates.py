"""Chat templates: the model's own, or one of ours for base models that have none.

Ours are written in text that any tokenizer already has, so that no embedding starts out random.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from stages.core.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FOLDER = Path(__file__).parent / "jinja"


def chat_template(chosen: str | None, own: object, model: str) -> str:
    """The text of the template to use.

    Raises:
        InputError: The one chosen does not exist, or none is chosen and the model has none.
    """
    key = f"params.yaml: models.{model}.chat_template"
    names = sorted(path.stem for path in FOLDER.glob("*.jinja"))
    if chosen is None:
        own = own.get("default") if isinstance(own, dict) else own  # some models come with several
        if not isinstance(own, str) or not own:
            raise InputError(f"{key}: the model has none of its own, name one of {', '.join(names)}")
        return own
    if chosen not in names:
        raise InputError(f"{key}: found {chosen!r}, expected one of {', '.join(names)}")
    return (FOLDER / f"{chosen}.jinja").read_text(encoding="utf-8").rstrip("\n")


SAMPLE = (
    "What is moss?\nAnd *how* does it drink?",
    "Moss is a plant without roots.\n\nIt drinks through its leaves.",
    "Is {{ 7 * 7 }} < 50?",
    "Yes: 49 is less than 50.",
)
"""A conversation of two questions, with marks of templates in it that are not to be followed."""
MOST_CHARACTERS = 20_000
"""More than any template writes around four turns."""


def check_template(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Try the tokenizer's chat template on a sample, as training and answering will use it.

    Raises:
        InputError: It cannot be used: the message says why, and what to do.
    """
    from stages.chat.rendering import Part, end_of_turn, refused, render, render_prompt, tokenize_prompt

    if re.search(r"\bstrftime_now\b", str(tokenizer.chat_template)):
        raise refused(tokenizer, "writes the date (strftime_now), so that answers would change from day to day")
    end = tokenizer.convert_tokens_to_ids(end_of_turn(tokenizer))
    for turns in (2, 4):
        prompt = tokenize_prompt(tokenizer, SAMPLE[: turns - 1])
        row = render(tokenizer, SAMPLE[:turns], None)
        if len(render_prompt(tokenizer, SAMPLE[: turns - 1])) > MOST_CHARACTERS:
            raise refused(tokenizer, f"writes more than {MOST_CHARACTERS} characters around {turns} turns")
        if turns == 2 and row.ids[: len(prompt)] != prompt:
            raise refused(tokenizer, "joins the end of the prompt with the beginning of the answer in one token")
        if [token for token, part in zip(row.ids, row.parts, strict=True) if part is Part.END][-1:] != [end]:
            raise refused(tokenizer, f"ends a turn with {end_of_turn(tokenizer)!r}, which is not one token")
