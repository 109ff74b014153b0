"""Requests for completions to a server, through the durable request cache, and what they bring."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.chat_models import ChatReply, cache_folder
from stages.chat_models.client import Session
from stages.chat_models.pacing import Clock, FormRefused, Unanswered
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.replies import Endpoint, UnreadableReply, cache_key
from stages.chat_models.sending import Sender
from stages.core import parameters
from stages.core.errors import InputError
from stages.servers.transport.preset import OpenAI
from stages.servers.transport.starting import start

Read = Callable[[Any], ChatReply]

SHAPING = {".json", ".safetensors", ".jinja", ".model"}
"""Files of a model's folder that shape answers."""


class Completing(Session):
    """What is open while one model's answers are asked for; the server's command runs once something is missing."""

    def __init__(self, preset: OpenAI, model: Path, token_limit: int, clock: Clock | None = None) -> None:
        self._own, self._model = preset, model
        self._name = preset.model.format(folder=model, name=model.name)
        self._weights = digest(model)
        super().__init__(self._chat_preset(preset.base_url, token_limit), cache_folder(), clock or Clock())

    async def reply(self, body: dict[str, Any], read: Read) -> ChatReply:
        """What the server answers, or answered before.

        Raises:
            InputError: It cannot answer; the message says what to do.
        """
        body = {"model": self._name} | body | self._own.extra
        key = cache_key(body | {"weights": self._weights}, f"{self._own.base_url} {self._own.command}", 0)
        if (known := self.store.get(key)) is not None:
            return known
        try:
            return await self.fetch(key, lambda: self.send(body, Endpoint("/completions", most_prompt_tokens, read)))
        except (Unanswered, FormRefused) as error:
            raise InputError(
                f"{self._own.base_url} did not answer for {self._name}: {error}. Run again to go on from here"
            ) from None

    async def _connect(self) -> Sender:
        if self._own.command is not None:
            waiting = start(self._own.command, self._own.base_url, self._model, self._own.start_timeout)
            address = await self._open.enter_async_context(waiting)
            self.preset = self.preset.model_copy(update={"base_url": address})
        return await super()._connect()

    def _chat_preset(self, address: str, token_limit: int) -> OpenAIPreset:
        shared = ("key_variable", "extra", "in_flight", "requests_per_minute", "tokens_per_minute", "timeout", "tries")
        values = {name: getattr(self._own, name) for name in (*shared, "preflight")}
        values |= {"kind": "openai", "model": self._name, "base_url": address, "token_limit": token_limit}
        return parameters.validate(values, OpenAIPreset, "servers.openai", parameters.PATH)


def digest(model: Path) -> str:
    """SHA-256 of a model's folder: a model that is trained again under the same name gives other answers."""
    total = hashlib.sha256()
    for path in sorted(path for path in model.iterdir() if path.suffix in SHAPING):
        with path.open("rb") as file:
            total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def most_prompt_tokens(body: Mapping[str, Any]) -> int:
    """No fewer tokens than a prompt, or several, can have: of a text, its bytes."""
    prompt = body["prompt"]
    if isinstance(prompt, str):
        return len(prompt.encode())
    return sum(len(part) if isinstance(part, list) else 1 for part in prompt)


def read_answer(payload: Any) -> ChatReply:
    """A completion as a reply.

    Raises:
        UnreadableReply: A field that matters is missing or of another type.
    """
    try:
        choice, usage = payload["choices"][0], payload.get("usage") or {}
        return ChatReply(
            text=choice["text"],
            finish_reason=choice.get("finish_reason") or "stop",
            prompt_tokens=usage.get("prompt_tokens") or 0,
            completion_tokens=usage.get("completion_tokens") or 0,
            model=payload["model"],
            system_fingerprint=payload.get("system_fingerprint"),
            token_ids=choice.get("token_ids"),
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableReply(f"not a completion: {type(error).__name__}") from None


def read_named_logprobs(payload: Any, tokens: Sequence[int]) -> ChatReply:
    """The log-probability of each of some tokens as what comes next; none where the server leaves one out.

    Raises:
        UnreadableReply: This is no completion.
    """
    try:
        given = (payload["choices"][0].get("logprobs") or {}).get("top_logprobs") or [{}]
        found = [given[0].get(f"token_id:{token}") for token in tokens]
        model = payload["model"]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnreadableReply(f"not a completion: {type(error).__name__}") from None
    return _scored(model, None if None in found else found)


def read_logprobs(payload: Any, spans: Sequence[tuple[int, int]]) -> ChatReply:
    """For each prompt that was echoed, the log-probability of its tokens in a span of places.

    Raises:
        InputError: The server gave none.
        UnreadableReply: This is no completion.
    """
    try:
        choices = sorted(payload["choices"], key=lambda choice: choice["index"])
        given = [(choice.get("logprobs") or {}).get("token_logprobs") or [] for choice in choices]
        model = payload["model"]
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableReply(f"not a completion: {type(error).__name__}") from None
    tokens = [values[begin:end] for values, (begin, end) in zip(given, spans, strict=False)]
    whole = [len(values) for values in tokens] == [end - begin for begin, end in spans]
    if not whole or any(None in values for values in tokens):
        raise InputError(
            "the server gives no log-probabilities of a prompt's tokens (echo and logprobs): set"
            " servers.openai.logprobs to false and the scale's generate.readings to [written]"
        )
    return _scored(model, [sum(values) for values in tokens])


def _scored(model: str, logprobs: Sequence[float] | None) -> ChatReply:
    return ChatReply(
        text="",
        finish_reason="length",
        prompt_tokens=0,
        completion_tokens=0,
        model=model,
        logprobs=None if logprobs is None else tuple(map(float, logprobs)),
    )
