"""A Hugging Face model in this process as a chat model, and how a chat model of any kind is opened."""

import sys
from collections.abc import Generator, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from stages.chat_models import ChatModel, ChatReply, ChatRequest, Check, Estimate, Outcome, Value, cache_folder
from stages.chat_models.preset import ChatPreset, LocalPreset, OpenAIPreset
from stages.chat_models.replies import read, repeated
from stages.core.errors import InputError

if TYPE_CHECKING:
    from stages.decoding.model import Loaded

CHUNK = 16
"""Batches that are sorted by length together: enough to waste little on padding, few enough to hold."""
FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")
"""What is fetched of a model on the Hub: no weights that could run code."""


def open_chat_model(preset: ChatPreset, *, model_path: Path | None = None, cache: Path | None = None) -> ChatModel:
    """The chat model of a preset. Neither torch nor an SDK is imported for the other kind.

    Args:
        preset: Any kind but recorded, which raises an InputError.
        model_path: Folder of a model that takes the place of a local preset's ``model``.
        cache: Folder of the store of replies, for the openai kind; by default the repository's.
    """
    if isinstance(preset, LocalPreset):
        return LocalModel(preset, model_path)
    if isinstance(preset, OpenAIPreset):
        from stages.chat_models.client import ServedModel

        return ServedModel(preset, cache or cache_folder())
    raise InputError("a preset of kind recorded serves annotators only: choose one of kind openai or local")


class LocalModel:
    """Greedy answers by the engine that answers questions, through the model's own chat template."""

    def __init__(self, preset: LocalPreset, path: Path | None = None) -> None:
        if path is None and preset.model is None:
            raise InputError("the local chat model has no name: set the preset's model to a folder or Hub name")
        self._preset = preset
        self._name = path.name if path else str(preset.model)
        self._loaded = load_weights(path or Path(str(preset.model)), preset)
        self._room = room(self._loaded)

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Generator[Outcome[Value], None, None]:
        """As :meth:`ChatModel.ask`; ``answer_schema`` is left to the check, as the model cannot be held to it."""
        remaining = iter(requests)
        while chunk := list(islice(remaining, CHUNK * self._preset.batch_size)):
            yield from self._settle(chunk, check)

    def estimate(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Estimate:
        lengths = [len(self._prompt(request)) for request in requests]
        return Estimate(len(lengths), 0, sum(lengths), len(lengths) * self._preset.max_new_tokens, 0.0, 0.0)

    def _settle(self, requests: list[ChatRequest], check: Check[Value]) -> list[Outcome[Value]]:
        outcomes: list[Outcome[Value]] = [Outcome(request, None) for request in requests]
        asked = dict(enumerate(requests))
        for _ in range(self._preset.attempts):
            for index, reply in self._answers(asked):
                value, failure = read(requests[index], reply, check)
                outcomes[index] = Outcome(requests[index], value, failure, (*outcomes[index].replies, reply))
                if failure is None:
                    del asked[index]
                else:
                    asked[index] = repeated(requests[index], reply, failure)
        return outcomes

    def _answers(self, requests: dict[int, ChatRequest]) -> list[tuple[int, ChatReply]]:
        from stages.decoding.generating import Chooser, Prompt, generate

        prompts = {index: self._prompt(request) for index, request in requests.items()}
        order = sorted(prompts, key=lambda index: (-len(prompts[index]), index))
        answers = [(i, self._reply(prompts[i], [], "prompt_too_long")) for i in order if len(prompts[i]) >= self._room]
        for start in range(len(answers), len(order), self._preset.batch_size):
            batch = order[start : start + self._preset.batch_size]
            most = [min(self._preset.max_new_tokens, self._room - len(prompts[index])) for index in batch]
            limited = [Prompt(prompts[index], longest) for index, longest in zip(batch, most, strict=True)]
            completions = generate(self._loaded, limited, Chooser(None, []), range(len(batch)), lambda _: None)
            for index, completion in zip(batch, completions, strict=True):
                ending = "stop" if completion.finished else "length"
                answers.append((index, self._reply(prompts[index], completion.ids, ending)))
        return answers

    def _prompt(self, request: ChatRequest) -> list[int]:
        """Token ids of the request in the chat template, up to where the answer begins."""
        messages = [message.model_dump() for message in request.messages]
        text = str(self._loaded.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        return list(self._loaded.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _reply(self, prompt: list[int], completion: list[int], finish_reason: str) -> ChatReply:
        return ChatReply(
            text=str(self._loaded.tokenizer.decode(completion, skip_special_tokens=True)).strip(),
            finish_reason=finish_reason,
            prompt_tokens=len(prompt),
            completion_tokens=len(completion),
            model=self._name,
        )


def room(loaded: "Loaded") -> int:
    """Tokens that the model can see at once."""
    return int(getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize)


def load_weights(folder: Path, preset: LocalPreset) -> "Loaded":
    """The model of a folder, or of a name on the Hub.

    Raises:
        InputError: It cannot be had, or has no chat template.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    from stages.decoding.model import load
    from stages.decoding.parameters import Decoding

    decoding = Decoding(dtype=preset.dtype, batch_tokens=1 << 20, threads=preset.threads)
    try:
        if not folder.exists():
            folder = Path(snapshot_download(str(folder), revision=preset.revision, allow_patterns=list(FILES)))
        loaded = load(folder, decoding)
    except (OSError, ValueError, HfHubHTTPError, HFValidationError) as error:
        raise InputError(f"the local chat model {str(folder)!r} cannot be loaded: {error}") from None
    if loaded.tokenizer.chat_template is None:
        raise InputError(f"{folder} has no chat template, so it cannot serve as a chat model: choose an instruct model")
    return loaded
