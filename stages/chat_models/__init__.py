"""Chat models for annotators, judges and rivals: a server of OpenAI's API, or a model in this process."""

from pathlib import Path

from stages.chat_models.interface import ChatModel
from stages.chat_models.preset import ChatPreset, LocalPreset, OpenAIPreset
from stages.errors import InputError


def open_chat_model(preset: ChatPreset, *, model_path: Path | None = None, cache: Path | None = None) -> ChatModel:
    """The chat model of a preset. Each kind's code is imported only when it is used.

    Args:
        preset: ``annotators.<name>``, ``judges.<name>`` or ``rivals.<name>``.
        model_path: Folder of a model that takes the place of a local preset's ``model``.
        cache: Folder of the store of replies, for the openai kind; by default the repository's.

    Raises:
        InputError: The preset's kind cannot be used here.
    """
    if isinstance(preset, LocalPreset):
        from stages.chat_models.local import LocalModel

        return LocalModel(preset, model_path)
    if isinstance(preset, OpenAIPreset):
        from stages.chat_models.client import ServedModel
        from stages.chat_models.store import cache_folder

        return ServedModel(preset, cache or cache_folder())
    raise InputError("a preset of kind recorded serves annotators only: choose one of kind openai or local")
