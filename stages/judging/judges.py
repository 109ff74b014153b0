"""Who judges: any chat model, or the model before the fine-tuning whose results are compared."""

from pathlib import Path

from stages.chat_models import ChatModel, ChatReply
from stages.chat_models.local import open_chat_model
from stages.chat_models.preset import ChatPreset, LocalPreset
from stages.core.errors import InputError


def judges_itself(preset: ChatPreset) -> bool:
    """A local preset that names no model: the judge is the base model of the systems compared, before fine-tuning."""
    return isinstance(preset, LocalPreset) and preset.model is None


def open_judge(preset: ChatPreset, model: str, base_models: Path) -> ChatModel:
    """The judge of the systems of one model.

    Raises:
        InputError: The judge is the compared model, which is not in ``base_models``; or cannot be opened.
    """
    if not judges_itself(preset):
        return open_chat_model(preset)
    return open_chat_model(preset, model_path=_base(model, base_models))


def judge_folder(preset: LocalPreset, model: str, base_models: Path) -> Path:
    """Where the weights of a local judge of the systems of one model are; a model on the Hub is fetched.

    Raises:
        InputError: The judge is the compared model, which is not in ``base_models``; or cannot be had.
    """
    if preset.model is None:
        return _base(model, base_models)
    if Path(preset.model).is_dir():
        return Path(preset.model)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(preset.model, revision=preset.revision))
    except (OSError, ValueError) as error:
        raise InputError(f"the local judge {preset.model!r} cannot be loaded: {error}") from None


def _base(model: str, base_models: Path) -> Path:
    folder = base_models / model
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} holds no model, and it is the judge of {model}: run `dvc repro`, which makes it")
    return folder


def describe_judge(preset: ChatPreset, model: str, reply: ChatReply | None) -> str:
    """The judge's name for people; a server's own name of the model that replied counts more than the one asked for."""
    if judges_itself(preset):
        return f"{model} itself, before fine-tuning"
    asked = str(getattr(preset, "model", preset.kind))
    return asked if reply is None else reply.model
