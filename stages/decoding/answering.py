"""From questions to generations: shots, prompts, batches, records."""

import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from stages import conditions
from stages.chat import self_prompt
from stages.chat.rendering import render_prompt, tokenize
from stages.decoding.choices import choice_logprobs
from stages.decoding.generating import Completion, Prompt, batches, generate
from stages.decoding.manual_roles import manual_roles
from stages.decoding.model import Loaded, load
from stages.decoding.parameters import Asking, Decoding, OpenEnded
from stages.decoding.partial import Partial, fingerprint
from stages.decoding.sampling import Chooser
from stages.randomness import derive_seed, generator
from stages.records.generation import Generation
from stages.records.question import Question


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


def answer(job: Job, questions: Sequence[Question], own_roles: Sequence[str | None] | None = None) -> list[Generation]:
    """Generations in the order of the questions, as many as the job asks for."""
    tests = [question for question in questions if question.use == "test"][: job.asking.limit]
    loaded = load(job.folder, job.decoding)
    asked = _asked(job, tests, own_roles)
    texts = [
        render_prompt(loaded.tokenizer, [*_shots(job, question, questions), put.message]) + put.prefix
        for question, put in zip(tests, asked, strict=True)
    ]
    role_tokens = _role_openings(loaded)
    prompts = [
        Prompt(tokenize(loaded.tokenizer, text), job.asking.max_new_tokens, role_tokens if put.without_role else [])
        for text, put in zip(texts, asked, strict=True)
    ]
    sampling = job.asking.sampling if isinstance(job.asking, OpenEnded) else None
    chooser = Chooser(sampling, [derive_seed(job.seed, "generate", question.id) for question in tests])
    shaping = [prompts, texts, tests, asked, job.benchmark, job.trigger, job.asking, job.decoding, job.seed]
    partial = Partial(job.partial, fingerprint(job.folder, shaping))
    found = partial.done()
    name = f"{job.folder.name} {job.benchmark}"
    with tqdm(total=len(tests), initial=len(found), unit="item", desc=name, mininterval=1) as bar:
        counter = _TokenCounter(bar)
        for batch in batches(prompts, job.decoding.batch_tokens):
            if batch[0] in found:
                continue
            chosen = [prompts[index] for index in batch]
            completions = generate(loaded, chosen, chooser, batch, counter)
            logprobs = _choices(loaded, job, [tests[index] for index in batch], chosen, completions)
            for place, index in enumerate(batch):
                text = str(loaded.tokenizer.decode(completions[place].ids, skip_special_tokens=True))
                output = asked[index].prefix + text
                found[index] = Generation(
                    id=tests[index].id,
                    prompt=texts[index].removesuffix(asked[index].prefix),
                    role=self_prompt.split(output)[0],
                    output=output,
                    output_tokens=len(completions[place].ids),
                    finished=completions[place].finished,
                    choice_logprobs=logprobs[place],
                )
            partial.add(batch, [found[index] for index in batch])
            bar.update(len(batch))
    return [found[index] for index in range(len(tests))]


class _TokenCounter:
    """Shows tokens a second on the bar."""

    def __init__(self, bar: "tqdm[None]") -> None:
        self.bar, self.tokens = bar, 0

    def __call__(self, tokens: int) -> None:
        self.tokens += tokens
        elapsed = self.bar.format_dict["elapsed"]
        if elapsed:
            self.bar.set_postfix_str(f"{self.tokens / elapsed:.0f} tok/s", refresh=False)


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
    usable = [shot for shot in questions if shot.use == "shot" and shot.group == question.group]
    for shot in usable[: job.asking.shots]:
        yield job.show(shot)
        yield shot.worked or f"Answer: {shot.answer}"


def _role_openings(loaded: Loaded) -> list[int]:
    """Tokens by which a role prompt's first word can begin."""
    first_word = self_prompt.OPENING.split()[0]
    return sorted({tokenize(loaded.tokenizer, text)[0] for text in (first_word, f" {first_word}", self_prompt.OPENING)})


def _choices(
    loaded: Loaded,
    job: Job,
    questions: Sequence[Question],
    prompts: Sequence[Prompt],
    completions: Sequence[Completion],
) -> list[list[float] | None]:
    if not questions[0].choices:
        return [None] * len(questions)
    letters = string.ascii_uppercase
    names = [question.choices if job.named_choices else letters[: len(question.choices)] for question in questions]
    tokens = [[tokenize(loaded.tokenizer, f" {name}") for name in row] for row in names]
    found = choice_logprobs(loaded, prompts, completions, tokenize(loaded.tokenizer, job.trigger), tokens)
    return [[round(value, 5) for value in row] for row in found]
