"""All answers that a plan asks for, each read and scored."""

import importlib
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from stages.answers.answer_line import ReadAnswer
from stages.chat import self_prompt
from stages.core.errors import InputError
from stages.records.files import read_jsonl
from stages.records.question import Question
from stages.records.results import Execution, Generation, Scored
from stages.records.systems import Plan, System

DATA = Path("data")
CHOICES = "loglikelihood"
"""``READING`` of the kinds of answer that choose among choices."""
PROGRAMS = "pass@1"
TORN_NUMBER = re.compile(r"\d(?:[\d.,/]*[\d,/])?$")  # a full stop ends it
FEWEST_WORDS, MOST_WORDS = 8, 90


class Kind(Protocol):
    """What a module of ``stages.answers`` provides, if a benchmark names it.

    Only modules with choices have ``labels``, and only spans ``f1``. Code has no ``score``: execution says whether a
    program is right.
    """

    READING: str

    def read(self, text: str, question: Question) -> ReadAnswer: ...

    def score(self, value: str | None, question: Question) -> float: ...

    def labels(self, question: Question) -> list[str]: ...

    def f1(self, value: str | None, question: Question) -> float: ...


def kind_name(benchmark: str) -> str:
    return str(importlib.import_module(f"stages.benchmarks.{benchmark}").ANSWER_KIND)


def kind(benchmark: str) -> Kind:
    return cast(Kind, importlib.import_module(f"stages.answers.{kind_name(benchmark)}"))


def score_plan(plan: Plan, primary: str, data: Path = DATA) -> list[Scored]:
    """One item for each answer, in the order of the plan's systems and benchmarks and of each benchmark's questions.

    Args:
        plan: The systems and benchmarks of the run.
        primary: The reading of multiple choice that is the score.
        data: The folder with questions, generations and executions.

    Raises:
        InputError: A file is missing or inconsistent with the questions.
    """
    benchmarks = [benchmark for benchmark in plan.benchmarks if kind_name(benchmark) != "none"]
    questions = {benchmark: read_questions(benchmark, data) for benchmark in benchmarks}
    items = [
        item
        for system in plan.systems
        for benchmark in benchmarks
        for item in _score(system, benchmark, questions[benchmark], primary, data)
    ]
    return _with_one_reading(items)


def read_questions(benchmark: str, data: Path = DATA) -> dict[str, Question]:
    path = data / "questions" / f"{benchmark}.jsonl"
    return {question.id: question for question in read_jsonl(path, Question) if question.use == "test"}


def read_generations(system: System, benchmark: str, data: Path = DATA) -> dict[str, Generation]:
    path = data / "generations" / system.name / f"{benchmark}.jsonl"
    generations = read_jsonl(path, Generation)
    by_id = {generation.id: generation for generation in generations}
    if len(by_id) < len(generations):
        raise InputError(f"{path}: an id stands there twice: remove the file and run `dvc repro`")
    return by_id


def _score(
    system: System, benchmark: str, questions: dict[str, Question], primary: str, data: Path
) -> Iterator[Scored]:
    generations = read_generations(system, benchmark, data)
    if unknown := [identifier for identifier in generations if identifier not in questions]:
        raise InputError(
            f"data/generations/{system.name}/{benchmark}.jsonl: id {unknown[0]!r}: expected an id of a question in "
            f"data/questions/{benchmark}.jsonl: run `dvc repro`, which answers today's questions"
        )
    executions: dict[str, Execution] = {}
    if kind(benchmark).READING == PROGRAMS:
        path = data / "executions" / f"{system.name}.jsonl"
        executions = {execution.id: execution for execution in read_jsonl(path, Execution)}
        if missing := [each for each in questions if each in generations and each not in executions]:
            raise InputError(
                f"data/executions/{system.name}.jsonl: id {missing[0]!r} is missing: run `dvc repro execute`"
            )
    for identifier, question in questions.items():
        if identifier in generations:
            yield score_item(system, benchmark, question, generations[identifier], primary, executions.get(identifier))


def _with_one_reading(items: list[Scored]) -> list[Scored]:
    """Score all of a model's systems on a benchmark by one reading.

    This is the primary reading, or the written one where a server gave one of the systems no likelihoods. A written
    reading may cover only some of the items.

    Raises:
        InputError: A system has neither reading, or has likelihoods for only some items.
    """
    made: dict[tuple[str, str, str], list[Scored]] = {}
    for item in items:
        made.setdefault((item.model, item.benchmark, item.system), []).append(item)
    lacking = {key[:2] for key, answered in made.items() if not _has_its_reading(answered)}
    found = []
    for item in items:
        if (item.model, item.benchmark) not in lacking:
            found.append(item)
        elif item.written_correct is not None:
            found.append(item.model_copy(update={"reading": "written", "score": item.written_correct}))
        else:
            raise InputError(
                f"data/generations/{item.system}/{item.benchmark}.jsonl, id {item.id!r}: has neither the reading "
                f"{item.reading!r}, which generate.primary names, nor a written answer: remove the file and run "
                "`dvc repro`"
            )
    return found


def _has_its_reading(items: list[Scored]) -> bool:
    scored = [item.score is not None or item.reason is not None for item in items]
    return any(scored) if items[0].reading == "written" else all(scored)


def score_item(
    system: System,
    benchmark: str,
    question: Question,
    generation: Generation,
    primary: str,
    execution: Execution | None = None,
) -> Scored:
    """Read an answer, without its role prompt, in every way that was asked for.

    Raises:
        InputError: A reading does not have one number for each choice.
    """
    how = kind(benchmark)
    readings = ("written", "written_correct", "letter", "letter_correct", "cloze", "cloze_correct")
    found: dict[str, Any] = dict.fromkeys((*readings, "pattern", "f1"))
    if generation.output is not None:
        answer = how.read(answer_of(generation, how), question)
        found |= {"written": answer.value, "pattern": answer.pattern}
        found["written_correct"] = 0.0 if how.READING == PROGRAMS else how.score(answer.value, question)
        if how.READING == "exact_match":
            found["f1"] = how.f1(answer.value, question)
    if execution is not None and execution.passed is not None:
        found["written_correct"] = float(execution.passed)
    if how.READING == CHOICES:
        place = f"data/generations/{system.name}/{benchmark}.jsonl, id {question.id!r}"
        for name, numbers in choice_numbers(benchmark, question, generation, place).items():
            found[name] = how.labels(question)[numbers.index(max(numbers))]  # the first among equals
            found[f"{name}_correct"] = how.score(found[name], question)
    unscored = execution is not None and execution.passed is None
    return Scored(
        system=system.name,
        model=system.model,
        variant=system.variant,
        seed=system.seed,
        benchmark=benchmark,
        id=question.id,
        group=question.group,
        role=generation.role,
        role_well_formed=well_formed(generation),
        target=question.answer,
        **found,
        reading=primary if how.READING == CHOICES else how.READING,
        score=None if unscored else found[f"{primary if how.READING == CHOICES else 'written'}_correct"],
        reason=execution.reason if execution else None,
    )


def answer_of(generation: Generation, how: Kind) -> str:
    """The part of an output that is read.

    A number at which the limit cut the output off is dropped: it may be the start of a longer one ("25 rows of 4").
    """
    output = generation.output or ""
    whole = generation.finished or how.READING == PROGRAMS
    return self_prompt.answer_of(output if whole else TORN_NUMBER.sub("", output))


def well_formed(generation: Generation) -> bool:
    """Whether the turn opens with a role prompt of 8 to 90 words that ends a paragraph.

    In a written answer the paragraph ends with a blank line, and an answer follows unless the limit cut the output off
    right there. Where no answer was asked for in writing, the role prompt must end in a full sentence.
    """
    role = generation.role
    if role is None or not FEWEST_WORDS <= len(role.split()) <= MOST_WORDS:
        return False
    if generation.output is None:
        return role.rstrip("\"'\u201d\u2019)").endswith((".", "!", "?"))
    _, answer = self_prompt.split(generation.output)
    return "\n\n" in generation.output and (bool(answer.strip()) or not generation.finished)


def choice_numbers(benchmark: str, question: Question, generation: Generation, place: str) -> dict[str, list[float]]:
    """One number for each choice, by reading: of ``letter`` the log-likelihoods, of ``cloze`` normalised ones.

    ``NORMALISATION`` of the benchmark is OLMES's (Gu et al. 2024, arXiv 2406.08446, section 3.3): ``characters``
    divides by the length of the choice, without the space before it, as ``acc_norm`` of lm-evaluation-harness does;
    ``unconditional`` subtracts the log-likelihood of the choice without its question.
    """

    def checked(key: str, numbers: Sequence[float]) -> list[float]:
        if len(numbers) != len(question.choices) or any(map(math.isnan, numbers)):
            raise InputError(
                f"{place}: {key}: expected {len(question.choices)} numbers, one for each choice, found {numbers}: "
                "remove the file and run `dvc repro`"
            )
        return list(numbers)

    found = {}
    if generation.letter is not None:
        found["letter"] = checked("letter.logprobs", generation.letter.logprobs)
    if generation.cloze is not None:
        numbers = checked("cloze.logprobs", generation.cloze.logprobs)
        match getattr(importlib.import_module(f"stages.benchmarks.{benchmark}"), "NORMALISATION", "none"):
            case "characters":
                lengths = [max(len(choice), 1) for choice in question.choices]
                numbers = [number / length for number, length in zip(numbers, lengths, strict=True)]
            case "unconditional":
                without = checked("cloze.unconditional", generation.cloze.unconditional or [])
                numbers = [number - base for number, base in zip(numbers, without, strict=True)]
        found["cloze"] = numbers
    return found
