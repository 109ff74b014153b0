"""Chat templates: the model's own, or one of ours for base models that have none.

Ours are written in text that any tokenizer already has, so that no embedding starts out random.
"""

from pathlib import Path

from stages.errors import InputError

FOLDER = Path(__file__).parent / "jinja"


def chat_template(chosen: str | None, own: str | None, model: str) -> str:
    """The text of the template to use.

    Raises:
        InputError: The one chosen does not exist, or none is chosen and the model has none.
    """
    names = sorted(path.stem for path in FOLDER.glob("*.jinja"))
    if chosen is None:
        if not own:
            raise InputError(
                f"params.yaml: models.{model}.chat_template: the model has none of its own, name one of "
                f"{', '.join(names)}"
            )
        return own
    if chosen not in names:
        raise InputError(
            f"params.yaml: models.{model}.chat_template: found {chosen!r}, expected one of {', '.join(names)}"
        )
    return (FOLDER / f"{chosen}.jinja").read_text(encoding="utf-8").rstrip("\n")
