"""A server that speaks OpenAI's API of completions answers: vLLM and others.

Prompts are rendered here, by the model's own chat template, and sent whole to ``/completions``, what a condition puts
at the head of the answer included. Every reply is stored before it is used, so a killed run resumes from the store.

All that shapes an answer stands here. The files that only carry requests (``completions.py``, ``preset.py``,
``stages/chat_models``) are no dependencies of the stage in ``dvc.yaml``.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm
from transformers import AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase

from stages.chat.rendering import tokenize
from stages.chat_models import ChatReply
from stages.chat_models.running import in_order
from stages.core.errors import InputError
from stages.decoding.context import QuestionEnd, continuations, role_in
from stages.decoding.generating import Prompt
from stages.decoding.model import stops
from stages.decoding.parameters import Reading
from stages.decoding.prompts import Item, Job, prepare, reading_of, record, warn_of_missing_shots, written_record
from stages.records.question import Question
from stages.records.results import ChoiceReading, Generation
from stages.servers.completions import Completing, read_answer, read_logprobs, read_named_logprobs
from stages.servers.preset import OpenAI

PRESET = OpenAI

FORBID = -100
"""A bias of logits by which, in OpenAI's API, a token never comes."""

MOST_NAMED = 20
"""Tokens whose log-probabilities vLLM gives at once by default (``--max-logprobs``)."""


def answer(
    job: Job, questions: Sequence[Question], own_roles: Sequence[str | None] | None, preset: OpenAI
) -> list[Generation]:
    """Generations in the order of the questions, as many as the job asks for.

    If the server cannot answer, or not as the job wants it, what it answered so far is kept.
    """
    if not (job.folder / "config.json").is_file():
        raise InputError(f"{job.folder} holds no model: run `dvc repro`, which makes it, or `dvc pull`")
    if job.choice_readings and not preset.logprobs:
        raise InputError(
            f"servers.openai.logprobs is false, and generate.readings asks for {' and '.join(job.choice_readings)}, by "
            "log-probabilities: set the scale's readings to [written] and its primary to written, or use a server that "
            "gives them"
        )
    warn_of_missing_shots(job, questions)
    tokenizer = AutoTokenizer.from_pretrained(job.folder)
    readings: list[Reading] = ["written", *job.choice_readings]
    items = {reading: prepare(job, questions, own_roles, tokenizer, reading) for reading in readings}
    with asyncio.Runner() as runner:
        return runner.run(_answers(job, items, tokenizer, preset))


async def _answers(
    job: Job, items: dict[Reading, list[Item]], tokenizer: PreTrainedTokenizerBase, preset: OpenAI
) -> list[Generation]:
    tests = [item.question for item in items["written"]]
    count = job.written(tests)
    with tqdm(total=len(tests), unit="item", desc=f"{job.folder.name} {job.name}", mininterval=1) as bar:
        async with Completing(preset, job.folder, max(job.asking.max_new_tokens, job.role_tokens)) as completing:
            answering = _JobAnswers(job, tokenizer, preset, completing)

            async def one(place: int) -> Generation:
                asked = {reading: some[place] for reading, some in items.items()}
                generation = await answering.answer(asked, writes=place < count)
                bar.update()
                return generation

            window = max(len(tests), 1)
            work = in_order(range(len(tests)), one, workers=preset.in_flight, window=window, finish=completing.finish)
            async with aclosing(work) as results:
                return [generation async for ready in results for generation in ready]


@dataclass(frozen=True)
class _Written:
    """What the server wrote: token ids without the stop, its text, how many tokens, whether it stopped by itself."""

    ids: list[int]
    text: str
    tokens: int
    finished: bool


class _JobAnswers:
    """One job's items, each by a few requests."""

    def __init__(self, job: Job, tokenizer: Any, preset: OpenAI, completing: Completing) -> None:
        self._job, self._tokenizer, self._preset, self._completing = job, tokenizer, preset, completing
        self._stops = stops(GenerationConfig.from_pretrained(job.folder), tokenizer)
        self._names_tokens = bool(preset.extra.get("return_token_ids"))  # vLLM's, as logprob_token_ids is

    async def answer(self, items: dict[Reading, Item], writes: bool) -> Generation:
        """All that is made of one question, which each reading shows in its own way."""
        item = items["written"]
        written, role, known = None, None, False
        if writes:
            done = await (self._without_role(item) if item.prompt.not_first else self._write(item, item.prompt))
            written = written_record(item, done.text, done.tokens, done.finished)
            role, known = self._role(item, self._text(done.ids[: self._job.role_tokens])), True
        found: dict[Reading, ChoiceReading] = {}
        for reading in self._job.choice_readings:
            item = items[reading]
            own = role if reading == "letter" and known else await self._own_role(item)
            found[reading] = await self._reading(item, reading, own)
        return record(item.question, written, found.get("letter"), found.get("cloze"))

    async def _own_role(self, item: Item) -> str | None:
        if not item.writes_role:
            return None
        body = self._body(item, item.prompt) | {"stop": ["\n\n"]}
        return self._role(item, (await self._completing.reply(body, read_answer)).text)

    def _role(self, item: Item, text: str) -> str | None:
        return role_in(text.removeprefix(item.lead)) if item.writes_role else None

    async def _reading(self, item: Item, reading: Reading, role: str | None) -> ChoiceReading:
        trigger, choices = self._job.benchmark.TRIGGER, self._job.choices(item.question, reading)
        before = item.before_choices(role, trigger)
        logprobs = await self._logprobs(*continuations(self._tokenizer, before, choices))
        apart = None
        if reading == "cloze" and self._job.benchmark.NORMALISATION == "unconditional":
            apart = await self._logprobs(*continuations(self._tokenizer, trigger, choices, plain=True))
        return reading_of(item, role, before, logprobs, apart)

    async def _write(self, item: Item, prompt: Prompt) -> _Written:
        body = self._body(item, prompt)
        if isinstance(prompt.until, QuestionEnd):
            body["stop"] = [prompt.until.mark]
        return self._written(await self._completing.reply(body, read_answer), prompt)

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
        first = self._written(reply, prompt)
        if first.finished or prompt.max_new_tokens == 1:
            return first
        longer = Prompt(prompt.ids + first.ids, prompt.max_new_tokens - 1, until=prompt.until)
        rest = await self._write(item, longer)
        ids = first.ids + rest.ids
        return _cut(_Written(ids, self._text(ids), first.tokens + rest.tokens, rest.finished), prompt)

    async def _logprobs(self, before: list[int], choices: list[list[int]]) -> list[float]:
        """Log-likelihood of each choice after the tokens before it, all in one request.

        Choices of one token each are asked for by name, as what comes next, where the server knows how (vLLM since
        PR 43463): nothing is echoed, and the prompt may stand in the server's cache. Others are echoed.
        """
        if self._names_tokens and all(len(choice) == 1 for choice in choices) and len(choices) <= MOST_NAMED:
            named = [choice[0] for choice in choices]
            body = {"prompt": before, "max_tokens": 1, "temperature": 0.0, "logprobs": 1, "logprob_token_ids": named}
            body["return_tokens_as_token_ids"] = True
            reply = await self._completing.reply(body, lambda payload: read_named_logprobs(payload, named))
            if reply.logprobs is not None:
                return list(reply.logprobs)
            self._names_tokens = False
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

    def _written(self, reply: ChatReply, prompt: Prompt) -> _Written:
        finished = reply.finish_reason == "stop"
        if reply.token_ids is None:
            ids, text = tokenize(self._tokenizer, reply.text), reply.text
            # Servers count the token that ends the turn.
            tokens = reply.completion_tokens - finished if reply.completion_tokens else len(ids)
        else:
            told = list(reply.token_ids)
            stop = next((place for place, token in enumerate(told) if token in self._stops), None)
            ids, finished = told[:stop], finished or stop is not None
            text, tokens = self._text(ids), len(ids)
        return _cut(_Written(ids, text, tokens, finished), prompt)

    def _text(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))


def _cut(written: _Written, prompt: Prompt) -> _Written:
    """The answer up to where it runs on into another question: servers may tell the ids of what they cut."""
    end = prompt.until
    if not isinstance(end, QuestionEnd) or (text := end.cut(written.text)) is None:
        return written
    return _Written(written.ids, text, end.tokens(written.ids, text), True)
