"""From questions to generations in this process, or in this one's share of several: prompts, batches, records."""

import sys
from collections.abc import Callable, Sequence

from pydantic import BaseModel
from tqdm import tqdm

from stages.core.errors import InputError
from stages.decoding.choices import Row, loglikelihoods
from stages.decoding.context import QuestionEnd, RoleEnd, continuations, decoded
from stages.decoding.generating import Chooser, Completion, batches, generate
from stages.decoding.model import Loaded, load
from stages.decoding.parameters import Reading
from stages.decoding.partial import ALONE, Done, Partial, Share, fingerprint
from stages.decoding.prompts import Item, Job, prepare, reading_of, record, warn_of_missing_shots, written_record
from stages.records.question import Question
from stages.records.results import ChoiceReading, Generation

ROOM_TO_SPARE = 64
"""Tokens, for what stands around a role prompt: only a prompt this near to the model's context is counted exactly."""

OnToken = Callable[[int], None]


class WrittenAnswer(BaseModel):
    """A written answer, and the role prompt that the letter reading takes from it."""

    generation: Generation
    role: str | None


def answer(
    job: Job, questions: Sequence[Question], own_roles: Sequence[str | None] | None = None, share: Share = ALONE
) -> list[Generation]:
    """Generations in the order of the questions, as many as the job asks for; none in a process but the first.

    Batches are formed as one process forms them, whatever the number of processes that share them: an answer's bytes
    depend on who else is in its batch, never on who computes it.
    """
    if share.rank == 0:
        warn_of_missing_shots(job, questions)
    loaded = load(job.folder, job.decoding)
    tests = job.tests(questions)
    readings: list[Reading] = ["written", *job.choice_readings]
    items = {reading: prepare(job, questions, own_roles, loaded.tokenizer, reading) for reading in readings}
    items["written"] = items["written"][: job.written(tests)]
    for reading, asked in items.items():
        _check_context(loaded, job, asked, reading)
    answering = _Answering(loaded, job, share)
    written = answering.write(items["written"])
    roles = {place: done.role for place, done in written.items()}
    found = {
        reading: answering.read(items[reading], reading, roles if reading == "letter" else {})
        for reading in job.choice_readings
    }
    share.leave()
    if share.rank:
        return []
    asked_in_writing = len(items["written"])
    # A place that was asked and is missing is an error: no record may lack a reading that others have.
    return [
        record(
            question,
            written[place].generation if place < asked_in_writing else None,
            found["letter"][place] if "letter" in found else None,
            found["cloze"][place] if "cloze" in found else None,
        )
        for place, question in enumerate(tests)
    ]


class _Answering:
    """One job in this process."""

    def __init__(self, loaded: Loaded, job: Job, share: Share) -> None:
        self.loaded, self.job, self.share = loaded, job, share

    def write(self, items: Sequence[Item]) -> dict[int, WrittenAnswer]:
        """Written answers by place."""
        chooser = Chooser(self.job.sampling, [self.job.seed_of(item.question) for item in items])

        def of_batch(batch: list[int], on_token: OnToken) -> list[WrittenAnswer]:
            chosen = [items[index] for index in batch]
            completions = generate(self.loaded, [item.prompt for item in chosen], chooser, batch, on_token)
            return [self._written(item, done) for item, done in zip(chosen, completions, strict=True)]

        return self._in_batches("written", items, WrittenAnswer, of_batch)

    def _written(self, item: Item, completion: Completion) -> WrittenAnswer:
        ids, end = completion.ids, item.prompt.until
        text, tokens = decoded(self.loaded.tokenizer, ids), len(ids)
        if isinstance(end, QuestionEnd) and (cut := end.cut(text)) is not None:
            text, tokens = cut, end.tokens(ids, cut)
        role = self._role(item, ids[: self.job.role_tokens]) if item.writes_role else None
        return WrittenAnswer(generation=written_record(item, text, tokens, completion.finished), role=role)

    def _role(self, item: Item, ids: Sequence[int]) -> str | None:
        return RoleEnd(self.loaded.tokenizer, item.lead).role(ids)

    def read(self, items: Sequence[Item], reading: Reading, roles: dict[int, str | None]) -> dict[int, ChoiceReading]:
        """Readings by place; the role prompts that are known already are not written again."""

        def of_batch(batch: list[int], on_token: OnToken) -> list[ChoiceReading]:
            asked = [index for index in batch if index not in roles and items[index].writes_role]
            prompts = [items[index].prompt for index in asked]
            written = generate(self.loaded, prompts, Chooser(None, []), asked, on_token)
            completions = dict(zip(asked, written, strict=True))
            own = roles | {index: self._role(items[index], done.ids) for index, done in completions.items()}
            chosen = [(items[index], own.get(index), completions.get(index)) for index in batch]
            return self._readings(reading, chosen)

        return self._in_batches(reading, items, ChoiceReading, of_batch)

    def _readings(
        self, reading: Reading, chosen: Sequence[tuple[Item, str | None, Completion | None]]
    ) -> list[ChoiceReading]:
        """Readings of items, each with the system's own role prompt and the answer that wrote it, if there are any."""
        job = self.job
        before = [item.before_choices(role, job.benchmark.TRIGGER) for item, role, _ in chosen]
        choices = [job.choices(item.question, reading) for item, _, _ in chosen]
        rows = []
        for (item, _, done), text, some in zip(chosen, before, choices, strict=True):
            known = [*item.prompt.ids, *done.ids][:-1] if done else []
            rows.append(Row(*continuations(self.loaded.tokenizer, text, some), known, done.past if done else None))
        logprobs = loglikelihoods(self.loaded, rows, job.decoding.batch_tokens)
        normalised = reading == "cloze" and job.benchmark.NORMALISATION == "unconditional"
        apart = self._unconditional(choices) if normalised else [None] * len(chosen)
        return [
            reading_of(item, role, text, values, unconditional)
            for (item, role, _), text, values, unconditional in zip(chosen, before, logprobs, apart, strict=True)
        ]

    def _unconditional(self, choices: Sequence[Sequence[str]]) -> Sequence[list[float] | None]:
        """Log-likelihood of each choice after the trigger alone."""
        texts = sorted({choice for some in choices for choice in some})
        row = Row(*continuations(self.loaded.tokenizer, self.job.benchmark.TRIGGER, texts, plain=True))
        (values,) = loglikelihoods(self.loaded, [row], self.job.decoding.batch_tokens)
        found = dict(zip(texts, values, strict=True))
        return [[found[choice] for choice in some] for some in choices]

    def _in_batches(
        self,
        name: Reading,
        items: Sequence[Item],
        kind: type[Done],
        of_batch: Callable[[list[int], OnToken], list[Done]],
    ) -> dict[int, Done]:
        """What a function makes of all items, by place; batches that a killed run had done are not done again."""
        job, share = self.job, self.share
        shaping = [items, job.name, name, job.benchmark.TRIGGER, job.asking, job.decoding, job.seed]
        partial = Partial(job.partial / name, fingerprint(job.folder, shaping), kind, share.rank)
        done = partial.begin()
        mine = share.of(list(batches([item.prompt for item in items], job.decoding.batch_tokens)))
        left = [batch for batch in mine if batch[0] not in done]
        total, to_do = (sum(len(batch) for batch in some) for some in (mine, left))
        settings = {"total": total, "initial": total - to_do, "unit": "item", "mininterval": 1}
        with tqdm(**settings, desc=f"{job.folder.name} {job.name} {name}", disable=share.rank > 0 or not total) as bar:
            counter = TokenCounter(bar)
            for batch in left:
                partial.add(batch, of_batch(batch, counter))
                bar.update(len(batch))
        share.wait()
        return partial.read()


def _check_context(loaded: Loaded, job: Job, items: Sequence[Item], reading: Reading) -> None:
    """Hold the longest prompt, with all that may follow it, against the model's context.

    Raises:
        InputError: The model would be asked about positions that it was not made for.
    """
    room = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize
    for item in sorted(items, key=lambda item: -len(item.prompt.ids)):
        length, new = len(item.prompt.ids), item.prompt.max_new_tokens
        what, scored, key = f"an answer of up to {new}", 0, "max_new_tokens"
        longest = max((len(choice.encode()) for choice in job.choices(item.question, reading)), default=0)
        if reading != "written" and length + new + len(job.benchmark.TRIGGER) + longest + ROOM_TO_SPARE > room:
            text = item.before_choices(None, job.benchmark.TRIGGER)
            before, choices = continuations(loaded.tokenizer, text, job.choices(item.question, reading))
            scored = len(before) - length + max(map(len, choices))
            what, key = f"a role prompt of up to {new} and its choices ({scored})", "role_tokens"
        if length + new + scored > room:
            raise InputError(
                f"{item.question.id}: a prompt of {length} tokens and {what} exceed the {room} positions of "
                f"{job.folder}: lower `{key}` or `shots` in the scale's `{job.section}`, or choose a model of longer "
                "context"
            )


class TokenCounter:
    """Shows tokens a second on the bar."""

    def __init__(self, bar: "tqdm[None]") -> None:
        self.bar, self.tokens = bar, 0

    def __call__(self, tokens: int) -> None:
        self.tokens += tokens
        if elapsed := self.bar.format_dict["elapsed"]:
            self.bar.set_postfix_str(f"{self.tokens / elapsed:.0f} tok/s", refresh=False)
