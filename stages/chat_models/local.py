"""A Hugging Face model in this process, behind the interface of a chat model."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from stages import instruction_set
from stages.chat_models.interface import ChatReply, ChatRequest, Check, Estimate, Outcome, Value
from stages.chat_models.preset import LocalPreset
from stages.chat_models.reading import read, repeated
from stages.errors import InputError

CHUNK = 16
"""Batches that are sorted by length together: enough to waste little on padding, few enough to hold."""


class LocalModel:
    """Greedy answers through the model's own chat template; the same requests get the same bytes."""

    def __init__(self, preset: LocalPreset, path: Path | None = None) -> None:
        if path is None and preset.model is None:
            raise InputError(
                "the local chat model has no name: set the preset's model to a folder or a name on the Hub"
            )
        name = str(path or preset.model)
        instruction_set.hold(preset.dtype)
        torch.set_num_threads(preset.threads)
        transformers_logging.disable_progress_bar()
        source = {"revision": None if path else preset.revision}
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name, padding_side="left", **source)
            model: Any = AutoModelForCausalLM.from_pretrained(name, dtype=getattr(torch, preset.dtype), **source)
        except (OSError, ValueError) as error:
            raise InputError(f"the local chat model {name!r} cannot be loaded: {error}") from None
        if self._tokenizer.chat_template is None:
            raise InputError(
                f"{name} has no chat template, so it cannot serve as a chat model: choose an instruct model"
            )
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._model = model.to(preset.device).eval()
        # Sampling settings that the folder brings would only be warned about under greedy decoding.
        model.generation_config.update(do_sample=False, temperature=None, top_p=None, top_k=None)
        self._preset = preset
        self._name = path.name if path else name
        self._room = int(getattr(model.config, "max_position_embeddings", None) or sys.maxsize)

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Iterator[Outcome[Value]]:
        """As :meth:`ChatModel.ask`; ``answer_schema`` is left to the check, as the model cannot be held to it."""
        remaining = iter(requests)
        while chunk := list(islice(remaining, CHUNK * self._preset.batch_size)):
            yield from self._settle(chunk, check)

    def estimate(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Estimate:
        lengths = [len(self._prompt(request)) for request in requests]
        longest = len(lengths) * self._preset.max_new_tokens
        return Estimate(len(lengths), 0, sum(lengths), longest, 0.0, 0.0)

    def _settle(self, requests: list[ChatRequest], check: Check[Value]) -> list[Outcome[Value]]:
        outcomes: dict[int, Outcome[Value]] = {}
        asked = dict(enumerate(requests))
        replies: dict[int, tuple[ChatReply, ...]] = dict.fromkeys(asked, ())
        for attempt in range(self._preset.attempts):
            for index, reply in self._answers(asked):
                replies[index] += (reply,)
                value, failure = read(requests[index], reply, check)
                outcomes[index] = Outcome(requests[index], value, failure, replies[index])
                if failure is None or attempt + 1 == self._preset.attempts:
                    del asked[index]
                else:
                    asked[index] = repeated(requests[index], reply, failure)
        return [outcomes[index] for index in range(len(requests))]

    def _answers(self, requests: dict[int, ChatRequest]) -> list[tuple[int, ChatReply]]:
        prompts = {index: self._prompt(request) for index, request in requests.items()}
        fits = [index for index in prompts if len(prompts[index]) < self._room]
        order = sorted(fits, key=lambda index: (-len(prompts[index]), index))
        answers = [
            (index, self._reply(prompts[index], [], "prompt_too_long")) for index in prompts if index not in set(fits)
        ]
        for start in range(0, len(order), self._preset.batch_size):
            batch = order[start : start + self._preset.batch_size]
            answers += zip(batch, self._generate([prompts[index] for index in batch]), strict=True)
        return answers

    def _prompt(self, request: ChatRequest) -> list[int]:
        """Token ids of the request in the chat template, up to where the answer begins."""
        messages = [message.model_dump() for message in request.messages]
        text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    @torch.inference_mode()
    def _generate(self, prompts: list[list[int]]) -> list[ChatReply]:
        longest = max(len(prompt) for prompt in prompts)
        allowed = min(self._preset.max_new_tokens, self._room - longest)
        padded = self._tokenizer.pad({"input_ids": prompts}, return_tensors="pt").to(self._model.device)
        output = self._model.generate(**padded, max_new_tokens=allowed, pad_token_id=self._tokenizer.pad_token_id)
        return [self._read(prompt, row[longest:].tolist()) for prompt, row in zip(prompts, output, strict=True)]

    def _read(self, prompt: list[int], completion: list[int]) -> ChatReply:
        stops = self._model.generation_config.eos_token_id
        ends = set(stops if isinstance(stops, list) else [stops])
        end = next((place for place, token in enumerate(completion) if token in ends), None)
        return self._reply(prompt, completion[:end], "length" if end is None else "stop")

    def _reply(self, prompt: list[int], completion: list[int], finish_reason: str) -> ChatReply:
        return ChatReply(
            text=str(self._tokenizer.decode(completion, skip_special_tokens=True)).strip(),
            finish_reason=finish_reason,
            prompt_tokens=len(prompt),
            completion_tokens=len(completion),
            model=self._name,
        )
