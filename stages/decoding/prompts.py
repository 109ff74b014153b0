"""From questions to prompts, and from what was written to records: the same whichever server answers."""

import logging
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import ModuleType

from transformers import PreTrainedTokenizerBase

from stages.chat import self_prompt
from stages.chat.marks import control_marks, hidden, shown
from stages.chat.rendering import before_answer, tokenize_prompt
from stages.decoding import conditions
from stages.decoding.choices import DECIMALS
from stages.decoding.context import QuestionEnd, RoleEnd, next_question, role_openings
from stages.decoding.generating import Prompt
from stages.decoding.parameters import Asking, Decoding, OpenEnded, Reading, Sampling
from stages.records.question import Question
from stages.records.results import ChoiceReading, Generation
from stages.records.systems import derive_seed, generator

logger = logging.getLogger("generate")


@dataclass(frozen=True)
class Job:
    """One system on one benchmark.

    Attributes:
        folder: The model's folder.
        name: The benchmark's.
        benchmark: Its module in stages/benchmarks.
        readings: Which readings of multiple choice are made.
        seed: The root seed.
        partial: A folder for what is done so far, from which a killed run goes on.
        restates: Whether the system was trained to begin by restating the question: its turn then begins with that
            where the likelihood of choices is taken, as other arms' turns begin with their role prompts.
    """

    folder: Path
    name: str
    benchmark: ModuleType
    readings: Sequence[Reading]
    condition: str | None
    asking: Asking | OpenEnded
    decoding: Decoding
    seed: int
    partial: Path
    restates: bool = False

    @property
    def sampling(self) -> Sampling | None:
        """How answers are sampled; None for greedy ones."""
        return self.asking.sampling if isinstance(self.asking, OpenEnded) else None

    @property
    def shots(self) -> int:
        return self.asking.shots if isinstance(self.asking, Asking) else 0

    @property
    def role_tokens(self) -> int:
        """Where the role prompt before a reading of the choices is cut."""
        return self.asking.role_tokens if isinstance(self.asking, Asking) else 0

    @property
    def section(self) -> str:
        """Where in a scale of params.yaml its :attr:`asking` stands."""
        return "preference.decoding" if self.sampling else f"generate.benchmarks.{self.name}"

    @property
    def choice_readings(self) -> list[Reading]:
        """Readings by the likelihood of choices: none where answers are free."""
        chosen: list[Reading] = ["letter", "cloze"]
        return [each for each in chosen if each in self.readings and self._chooses]

    def tests(self, questions: Sequence[Question]) -> list[Question]:
        """The questions that are asked, in their order."""
        return [question for question in questions if question.use == "test"][: self.asking.limit]

    def written(self, tests: Sequence[Question]) -> int:
        """How many of them, the first, get a written answer."""
        if not self._chooses or not isinstance(self.asking, Asking):
            return len(tests)
        return len(tests[: self.asking.written]) if "written" in self.readings else 0

    def choices(self, question: Question, reading: Reading) -> list[str]:
        """Each choice as it stands after the trigger."""
        lettered = reading == "letter" and self.benchmark.ANSWER_KIND == "choice"
        names = string.ascii_uppercase[: len(question.choices)] if lettered else question.choices
        return [f" {name}" for name in names]

    def seed_of(self, question: Question) -> int:
        """The seed by which a question's answer is sampled."""
        return derive_seed(self.seed, "generate", question.id)

    @property
    def _chooses(self) -> bool:
        return self.benchmark.ANSWER_KIND in {"choice", "yes_no"}


@dataclass(frozen=True)
class Item:
    """A question ready to be answered.

    Attributes:
        before: What stands before the assistant's turn, control marks that the question quotes hidden, so that they
            are tokenized as text (stages/chat/marks.py).
        lead: White space that the template writes before the content of the assistant's turn.
        marks: The control marks of the model's tokenizer.
        prompt: All that the model is shown, what its turn already begins with included, as token ids.
    """

    question: Question
    put: conditions.Asked
    before: str
    lead: str
    marks: tuple[str, ...] = field(repr=False)
    prompt: Prompt

    @property
    def shown(self) -> str:
        """What stands before the assistant's turn, as people read it."""
        return shown(self.before, self.marks)

    @property
    def text(self) -> str:
        """All that the model is shown, as people read it."""
        return self.shown + (self.lead + self.put.prefix if self.put.prefix else "")

    @property
    def writes_role(self) -> bool:
        """Whether the system may write a role prompt of its own."""
        return not self.put.prefix and not self.put.without_role

    def before_choices(self, role: str | None, trigger: str) -> str:
        """What stands before the choices, after the system's own role prompt or none; quoted marks are hidden in it."""
        head = self.put.prefix or (self_prompt.join(role, "") if role else "")
        return f"{self.before}{self.lead}{hidden(head, self.marks)}{trigger}"


def prepare(
    job: Job,
    questions: Sequence[Question],
    own_roles: Sequence[str | None] | None,
    tokenizer: PreTrainedTokenizerBase,
    reading: Reading = "written",
) -> list[Item]:
    """The questions that the job asks for, in their order, as one reading shows them.

    For a written answer the prompt's limit is the answer's; for the others it is that of the role prompt.
    """
    tests = job.tests(questions)
    openings, mark, marks = role_openings(tokenizer, ["?"]), next_question(tokenizer), control_marks(tokenizer)
    question_end = QuestionEnd(tokenizer, mark) if mark else None
    items = []
    for question, put in zip(tests, _asked(job, reading, tests, own_roles), strict=True):
        turns = [*_shots(job, question, questions, reading), put.message]
        before, lead = before_answer(tokenizer, turns)
        prompt = Prompt(
            tokenize_prompt(tokenizer, turns, put.prefix),
            job.asking.max_new_tokens if reading == "written" else job.role_tokens,
            openings if put.without_role else [],
            question_end if reading == "written" else RoleEnd(tokenizer, lead),
        )
        items.append(Item(question, put, before, lead, marks, prompt))
    return items


def _asked(
    job: Job, reading: Reading, tests: Sequence[Question], own_roles: Sequence[str | None] | None
) -> list[conditions.Asked]:
    show = job.benchmark.show_plain if reading == "cloze" else job.benchmark.show
    condition = "restated" if job.restates and reading != "written" else job.condition
    written = [None] * len(tests) if own_roles is None else own_roles[: len(tests)]
    others = conditions.other_roles(written, generator(job.seed, "conditions", job.name))
    by_hand = [""] * len(tests)
    if condition in {"manual", "oracle"}:
        by_hand = conditions.manual_roles(job.name, tests)
    return [
        conditions.ask(condition, show(question), manual, other)
        for question, manual, other in zip(tests, by_hand, others, strict=True)
    ]


def _shots(job: Job, question: Question, questions: Sequence[Question], reading: Reading) -> Iterator[str]:
    """Worked examples of the question's group as turns before it."""
    usable = (shot for shot in questions if shot.use == "shot" and shot.group == question.group)
    for shot in islice(usable, job.shots):
        if reading == "cloze":
            lettered = job.benchmark.ANSWER_KIND == "choice"
            right = shot.choices[string.ascii_uppercase.index(shot.answer)] if lettered else shot.answer
            yield from (job.benchmark.show_plain(shot), f"{job.benchmark.TRIGGER} {right}")
        else:
            yield from (job.benchmark.show(shot), shot.worked or f"Answer: {shot.answer}")


def warn_of_missing_shots(job: Job, questions: Sequence[Question]) -> None:
    """Say so once where fewer worked examples exist than are asked for: those that exist are shown."""
    there = Counter(question.group for question in questions if question.use == "shot")
    tests = job.tests(questions)
    fewer = [there[question.group] for question in tests if there[question.group] < job.shots]
    if fewer:
        logger.warning(
            "generate.benchmarks.%s.shots is %d, and %d of %d questions have fewer worked examples of their group, "
            "some only %d: they are asked with those",
            *(job.name, job.shots, len(fewer), len(tests), min(fewer)),
        )


def written_record(item: Item, text: str, tokens: int, finished: bool) -> Generation:
    """What the model wrote of its turn, in so many tokens, as it is kept; ``finished`` if it ended before the limit."""
    prefix = item.put.prefix
    output = prefix + text if prefix else text.removeprefix(item.lead)
    role, _ = self_prompt.split(output)
    return Generation(
        id=item.question.id, role=role, prompt=item.shown, output=output, output_tokens=tokens, finished=finished
    )


def reading_of(
    item: Item, role: str | None, before: str, logprobs: Sequence[float], unconditional: Sequence[float] | None
) -> ChoiceReading:
    """A reading as it is kept; ``role`` is the system's own, which a condition's role prompt replaces."""
    return ChoiceReading(
        prompt=shown(before, item.marks),
        role=self_prompt.split(item.put.prefix)[0] if item.put.prefix else role,
        logprobs=[round(value, DECIMALS) for value in logprobs],
        unconditional=None if unconditional is None else [round(value, DECIMALS) for value in unconditional],
    )


def record(
    question: Question, written: Generation | None, letter: ChoiceReading | None, cloze: ChoiceReading | None
) -> Generation:
    """All that was made of one question."""
    first = letter or cloze
    made = written or Generation(id=question.id, role=first.role if first else None)
    return made.model_copy(update={"letter": letter, "cloze": cloze})
