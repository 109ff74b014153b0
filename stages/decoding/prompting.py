"""From questions to prompts, and from what was written to records: the same whichever server answers."""

import logging
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from stages import conditions
from stages.chat import self_prompt
from stages.chat.rendering import render_prompt, tokenize
from stages.decoding.generating import Prompt
from stages.decoding.manual_roles import manual_roles
from stages.decoding.parameters import Asking, Decoding, OpenEnded, Sampling
from stages.randomness import derive_seed, generator
from stages.records.generation import Generation
from stages.records.question import Question

logger = logging.getLogger("generate")

FOLLOWING = "The"
"""How an answer may begin."""


@dataclass(frozen=True)
class Job:
    """One system on one benchmark.

    Attributes:
        folder: The model's folder.
        show: A question as the user's message.
        trigger: What stands between an answer and the choices when these are scored.
        named_choices: Whether choices are answered by their own words (yes, no) instead of by letters.
        seed: The root seed.
        partial: A folder for what is done so far, from which a killed run goes on.
    """

    folder: Path
    benchmark: str
    show: Callable[[Question], str]
    trigger: str
    named_choices: bool
    condition: str | None
    asking: Asking
    decoding: Decoding
    seed: int
    partial: Path

    @property
    def sampling(self) -> Sampling | None:
        """How answers are sampled; None for greedy ones."""
        return self.asking.sampling if isinstance(self.asking, OpenEnded) else None

    @property
    def section(self) -> str:
        """Where in a scale of params.yaml its :attr:`asking` stands."""
        return "preference.decoding" if self.sampling else f"generate.benchmarks.{self.benchmark}"

    def seed_of(self, question: Question) -> int:
        """The seed by which a question's answer is sampled."""
        return derive_seed(self.seed, "generate", question.id)


@dataclass(frozen=True)
class Item:
    """A question ready to be answered.

    Attributes:
        text: All that the model is shown, what the assistant's turn already begins with included.
        prompt: The same as token ids.
    """

    question: Question
    put: conditions.Asked
    text: str
    prompt: Prompt


def prepare(
    job: Job,
    questions: Sequence[Question],
    own_roles: Sequence[str | None] | None,
    tokenizer: PreTrainedTokenizerBase,
) -> list[Item]:
    """The questions that the job asks for, in their order."""
    tests = [question for question in questions if question.use == "test"][: job.asking.limit]
    asked = _asked(job, tests, own_roles)
    texts = [
        render_prompt(tokenizer, [*_shots(job, question, questions), put.message]) + put.prefix
        for question, put in zip(tests, asked, strict=True)
    ]
    role_tokens = _role_openings(tokenizer)
    prompts = [
        Prompt(
            begun(tokenizer, text) if put.prefix else tokenize(tokenizer, text),
            job.asking.max_new_tokens,
            role_tokens if put.without_role else [],
        )
        for text, put in zip(texts, asked, strict=True)
    ]
    return [Item(*parts) for parts in zip(tests, asked, texts, prompts, strict=True)]


def warn_of_missing_shots(job: Job, questions: Sequence[Question]) -> None:
    """Say so once where fewer worked examples exist than are asked for: those that exist are shown."""
    there = Counter(question.group for question in questions if question.use == "shot")
    tests = [question for question in questions if question.use == "test"][: job.asking.limit]
    fewer = [there[question.group] for question in tests if there[question.group] < job.asking.shots]
    if fewer:
        logger.warning(
            "generate.benchmarks.%s.shots is %d, and %d of %d questions have fewer worked examples of their group, "
            "some only %d: they are asked with those",
            *(job.benchmark, job.asking.shots, len(fewer), len(tests), min(fewer)),
        )


def begun(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of a text that ends within the assistant's turn, as they are where an answer follows.

    Many tokenizers make one token of a blank line that ends a text, and two of one that a word follows: the first is
    never seen in training between a role prompt and an answer.
    """
    encoded = tokenizer(text + FOLLOWING, add_special_tokens=False, return_offsets_mapping=True)
    kept = sum(end <= len(text) for _, end in encoded["offset_mapping"])
    splits_there = encoded["offset_mapping"][kept][0] == len(text)
    return list(encoded["input_ids"][:kept]) if splits_there else tokenize(tokenizer, text)


def record(item: Item, written: str, tokens: int, finished: bool, choice_logprobs: list[float] | None) -> Generation:
    """What was written for an item, as it is kept."""
    output = item.put.prefix + written
    return Generation(
        id=item.question.id,
        prompt=item.text.removesuffix(item.put.prefix),
        role=self_prompt.split(output)[0],
        output=output,
        output_tokens=tokens,
        finished=finished,
        choice_logprobs=None if choice_logprobs is None else [round(value, 5) for value in choice_logprobs],
    )


def choice_tokens(job: Job, question: Question, tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """Token ids of each choice as it stands after the trigger; none where the answer is free."""
    names = question.choices if job.named_choices else string.ascii_uppercase[: len(question.choices)]
    return [tokenize(tokenizer, f" {name}") for name in names]


def _asked(job: Job, tests: Sequence[Question], own_roles: Sequence[str | None] | None) -> list[conditions.Asked]:
    written = list(own_roles)[: len(tests)] if own_roles is not None else [None] * len(tests)
    others = conditions.other_roles(written, generator(job.seed, "conditions", job.benchmark))
    manual = manual_roles() if job.condition in {"manual", "oracle"} else {}
    return [
        conditions.ask(
            job.condition, job.show(question), conditions.manual_role(question, manual, job.benchmark), other
        )
        for question, other in zip(tests, others, strict=True)
    ]


def _shots(job: Job, question: Question, questions: Sequence[Question]) -> Iterator[str]:
    """Worked examples of the question's group as turns before it."""
    usable = (shot for shot in questions if shot.use == "shot" and shot.group == question.group)
    for shot in islice(usable, job.asking.shots):
        yield job.show(shot)
        yield shot.worked or f"Answer: {shot.answer}"


def _role_openings(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens by which a role prompt's first word can begin."""
    first_word = self_prompt.OPENING.split()[0]
    return sorted({tokenize(tokenizer, text)[0] for text in (first_word, f" {first_word}", self_prompt.OPENING)})
