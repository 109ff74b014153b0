"""From a preset to the chat model it describes."""

from pathlib import Path

from stages.chat_models.cache_folder import cache_folder
from stages.chat_models.interface import ChatModel
from stages.chat_models.preset import ChatPreset, LocalPreset, OpenAIPreset
from stages.errors import InputError


def open_chat_model(
    preset: ChatPreset,
    *,
    model_path: Path | None = None,
    recorded: Path | None = None,
    cache: Path | None = None,
) -> ChatModel:
    """The chat model of a preset, asked through its ``ask``.

    Each kind's code is imported only when it is used: the recorded kind needs neither an SDK nor torch.

    Args:
        preset: ``annotators.<name>`` or ``judges.<name>``.
        model_path: Folder of a model that takes the place of a local preset's ``model``.
        recorded: File of recorded answers, for the recorded kind.
        cache: Folder of the request cache, for the openai kind; by default the repository's.

    Raises:
        InputError: The preset's kind cannot be used here.
    """
    if isinstance(preset, LocalPreset):
        from stages.chat_models.local import LocalModel

        return LocalModel(preset, model_path)
    if isinstance(preset, OpenAIPreset):
        return _served(preset, cache or cache_folder())
    if recorded is None:
        raise InputError("a preset of kind recorded serves annotators only: choose one of kind openai or local")
    from stages.chat_models.recorded import RecordedModel

    return RecordedModel(recorded)


def _served(preset: OpenAIPreset, folder: Path) -> ChatModel:
    if preset.batch:
        from stages.chat_models.batched import BatchedModel

        return BatchedModel(preset, folder)
    from stages.chat_models.served import ServedModel

    return ServedModel(preset, folder)
