"""A server that speaks OpenAI's API of completions answers: vLLM and others.

Prompts are rendered here, by the model's own chat template, and sent whole to ``/completions``, what a condition puts
at the head of the answer included. Whatever came back is in the request cache first: a killed run goes on from there.

Files that only carry requests (``stages/chat_models``, ``completions.py``, ``starting.py``, ``keeping.py``) are no
dependencies of the stage in ``dvc.yaml``; all that shapes an answer stands here.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm
from transformers import AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase

from stages.chat.rendering import tokenize
from stages.chat_models import ChatReply
from stages.chat_models.running import InOrder
from stages.decoding.generating import Prompt
from stages.decoding.prompting import Item, Job, choice_tokens, prepare, record, warn_of_missing_shots
from stages.errors import InputError
from stages.records.generation import Generation
from stages.records.question import Question
from stages.servers.completions import Completing, read_answer, read_logprobs
from stages.servers.parameters import OpenAI

logger = logging.getLogger("server")

FORBID = -100
"""A bias of logits by which, in OpenAI's API, a token never comes."""


def answer(
    job: Job, questions: Sequence[Question], own_roles: Sequence[str | None] | None, preset: OpenAI
) -> list[Generation]:
    """Generations in the order of the questions, as many as the job asks for.

    Raises:
        InputError: The server cannot answer, or not as the job wants it; what it answered so far is kept.
    """
    if not (job.folder / "config.json").is_file():
        raise InputError(f"{job.folder} holds no model: run `dvc repro`, which makes it, or `dvc pull`")
    warn_of_missing_shots(job, questions)
    tokenizer = AutoTokenizer.from_pretrained(job.folder)
    items = prepare(job, questions, own_roles, tokenizer)
    if items and items[0].question.choices and not preset.logprobs:
        logger.warning("servers.openai.logprobs is false: choices get no log-likelihoods; what was written is scored")
    with asyncio.Runner() as runner:
        return runner.run(_answers(job, items, tokenizer, preset))


async def _answers(job: Job, items: list[Item], tokenizer: PreTrainedTokenizerBase, preset: OpenAI) -> list[Generation]:
    name = f"{job.folder.name} {job.benchmark}"
    with tqdm(total=len(items), unit="item", desc=name, mininterval=1) as bar:
        async with Completing(preset, job.folder, job.asking.max_new_tokens) as completing:
            answering = _Answering(job, tokenizer, preset, completing)

            async def one(item: Item) -> Generation:
                generation = await answering.answer(item)
                bar.update()
                return generation

            window = max(len(items), 1)
            work = InOrder(items, one, workers=preset.in_flight, window=window, finish=completing.finish)
            async with aclosing(work.results()) as results:
                return [generation async for ready in results for generation in ready]


@dataclass(frozen=True)
class _Written:
    """What the server wrote: token ids without the stop, its text, how many tokens, whether it stopped by itself."""

    ids: list[int]
    text: str
    tokens: int
    finished: bool


class _Answering:
    """One job's items, each by one request or a few."""

    def __init__(self, job: Job, tokenizer: Any, preset: OpenAI, completing: Completing) -> None:
        self._job, self._tokenizer, self._preset, self._completing = job, tokenizer, preset, completing
        self._stops = _stops(job, tokenizer)
        self._trigger = tokenize(tokenizer, job.trigger)

    async def answer(self, item: Item) -> Generation:
        written = await (self._without_role(item) if item.prompt.not_first else self._write(item, item.prompt))
        choices = choice_tokens(self._job, item.question, self._tokenizer) if self._preset.logprobs else []
        logprobs = await self._logprobs(item.prompt.ids + written.ids + self._trigger, choices) if choices else None
        return record(item, written.text, written.tokens, written.finished, logprobs)

    async def _write(self, item: Item, prompt: Prompt) -> _Written:
        return self._written(await self._completing.reply(self._body(item, prompt), read_answer))

    async def _without_role(self, item: Item) -> _Written:
        """The first token alone, some forbidden, then the rest: a bias of logits would hold for every token."""
        prompt, where = item.prompt, f"{self._job.folder.name} under the condition stripped"
        if self._preset.prompts == "text":
            raise InputError(f"{where} needs servers.openai.prompts: ids; or use run.server=local")
        body = self._body(item, Prompt(prompt.ids, 1))
        body["logit_bias"] = {str(token): FORBID for token in prompt.not_first}
        reply = await self._completing.reply(body, read_answer)
        if reply.token_ids is None or set(reply.token_ids) & set(prompt.not_first):
            raise InputError(
                f"{where} needs a server that heeds logit_bias and tells the ids of what it wrote (vLLM does, with"
                " servers.openai.extra: {return_token_ids: true}): this one does not; use run.server=local"
            )
        first = self._written(reply)
        if first.finished or prompt.max_new_tokens == 1:
            return first
        rest = await self._write(item, Prompt(prompt.ids + first.ids, prompt.max_new_tokens - 1))
        ids = first.ids + rest.ids
        return _Written(ids, self._text(ids), first.tokens + rest.tokens, rest.finished)

    async def _logprobs(self, before: list[int], choices: list[list[int]]) -> list[float]:
        """Log-probability of each choice after the tokens before it, all in one request."""
        body = {"prompt": [before + choice for choice in choices], "max_tokens": 1, "echo": True, "logprobs": 1}
        spans = [(len(before), len(before) + len(choice)) for choice in choices]
        reply = await self._completing.reply(body | {"temperature": 0.0}, lambda payload: read_logprobs(payload, spans))
        assert reply.logprobs is not None
        return list(reply.logprobs)

    def _body(self, item: Item, prompt: Prompt) -> dict[str, Any]:
        shown: Any = prompt.ids if self._preset.prompts == "ids" else self._shown(item)
        body: dict[str, Any] = {"prompt": shown, "max_tokens": prompt.max_new_tokens, "temperature": 0.0}
        sampling, penalty = self._job.sampling, 1.0
        if sampling is not None:
            penalty = sampling.repetition_penalty
            seed = self._job.seed_of(item.question)
            body |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": seed}
        if self._preset.repetition_penalty_name is not None:
            body[self._preset.repetition_penalty_name] = penalty  # a server may have another default of the model's own
        elif penalty != 1.0:
            raise InputError(
                f"sampling wants a repetition penalty of {penalty}, and servers.openai.repetition_penalty_name is null:"
                " name it, or set the scale's preference.decoding.sampling.repetition_penalty to 1"
            )
        return body

    def _shown(self, item: Item) -> str:
        """The prompt as a text that the server's tokenizer turns into the same ids: it may put a BOS before it."""
        for text in (item.text, item.text.removeprefix(self._tokenizer.bos_token or "")):
            if self._tokenizer(text)["input_ids"] == item.prompt.ids:
                return text
        raise InputError(
            f"{self._job.folder}: its tokenizer makes other ids of a prompt sent as text than the chat template means:"
            " set servers.openai.prompts to ids, or use run.server=local"
        )

    def _written(self, reply: ChatReply) -> _Written:
        finished = reply.finish_reason == "stop"
        if reply.token_ids is None:
            ids = tokenize(self._tokenizer, reply.text)
            # Servers count the token that ends the turn.
            tokens = reply.completion_tokens - finished if reply.completion_tokens else len(ids)
            return _Written(ids, reply.text, tokens, finished)
        ids = list(reply.token_ids)
        stop = next((place for place, token in enumerate(ids) if token in self._stops), None)
        return _Written(ids[:stop], self._text(ids[:stop]), len(ids[:stop]), finished or stop is not None)

    def _text(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))


def _stops(job: Job, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Tokens that end a turn, as :mod:`stages.decoding.model` has them."""
    named = GenerationConfig.from_pretrained(job.folder).eos_token_id
    listed = named if isinstance(named, list) else [named]
    return {token for token in [*listed, tokenizer.eos_token_id] if token is not None}
