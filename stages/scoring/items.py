"""One answer, read and scored."""

import importlib
import math
import re
from collections.abc import Sequence
from typing import Protocol, cast

from stages.answers.answer_line import ReadAnswer
from stages.chat import self_prompt
from stages.core.errors import InputError
from stages.records.question import Question
from stages.records.results import ChoiceReading, Execution, Generation, Scored
from stages.records.systems import System

CHOICES = "loglikelihood"
"""``READING`` of the kinds of answer that choose among choices."""
TORN_NUMBER = re.compile(r"\d(?:[\d.,/]*[\d,/])?$")  # a full stop ends it
FEWEST_WORDS, MOST_WORDS = 8, 90


class Kind(Protocol):
    """What a module of ``stages.answers`` provides, if a benchmark names it.

    Modules with choices also have ``labels(question)``, spans also ``f1(value, question)``. Code has no ``score``:
    execution says whether a program is right.
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


def normalisation(benchmark: str) -> str:
    """How a cloze likelihood is normalised: ``characters``, ``unconditional`` or ``none``, as the benchmark says."""
    return str(getattr(importlib.import_module(f"stages.benchmarks.{benchmark}"), "NORMALISATION", "none"))


def scored_benchmarks(benchmarks: list[str]) -> list[str]:
    """The benchmarks that have right answers."""
    return [benchmark for benchmark in benchmarks if kind_name(benchmark) != "none"]


def score_item(
    system: System,
    benchmark: str,
    question: Question,
    generation: Generation,
    primary: str,
    execution: Execution | None = None,
) -> Scored:
    """Read the answer, without its role prompt, in every way that was asked for.

    Args:
        system: The system that answered.
        benchmark: The benchmark of the question.
        question: The question.
        generation: The written answer, and the likelihoods of the choices.
        primary: The reading of multiple choice that is the score.
        execution: The result of the program, where the answer is code.

    Raises:
        InputError: A reading does not have one number for each choice.
    """
    how = kind(benchmark)
    reading = how.read(answer_of(generation, how), question) if generation.output is not None else None
    role = generation.role
    scored = Scored(
        system=system.name,
        model=system.model,
        variant=system.variant,
        seed=system.seed,
        benchmark=benchmark,
        id=question.id,
        group=question.group,
        role=role,
        role_well_formed=well_formed(generation),
        target=question.answer,
        written=reading.value if reading else None,
        written_correct=_written_correct(how, reading, question),
        pattern=reading.pattern if reading else None,
        letter=None,
        letter_correct=None,
        cloze=None,
        cloze_correct=None,
        f1=how.f1(reading.value, question) if reading and how.READING == "exact_match" else None,
        reading=primary if how.READING == CHOICES else how.READING,
        score=None,
    )
    if how.READING == CHOICES:
        return _by_choices(scored, how, question, generation)
    if execution is not None:
        return _by_execution(scored, execution)
    return scored.model_copy(update={"score": scored.written_correct})


def _written_correct(how: Kind, reading: ReadAnswer | None, question: Question) -> float | None:
    if reading is None:
        return None
    return 0.0 if how.READING == "pass@1" else how.score(reading.value, question)


def answer_of(generation: Generation, how: Kind) -> str:
    """The part of an output that is read.

    A number at which the limit cut the output off is dropped: it may be the start of a longer one ("25 rows of 4").
    """
    output = generation.output or ""
    whole = generation.finished or how.READING == "pass@1"
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


def _by_execution(scored: Scored, execution: Execution) -> Scored:
    if execution.passed is None:
        return scored.model_copy(update={"reason": execution.reason})
    passed = float(execution.passed)
    return scored.model_copy(update={"written_correct": passed, "score": passed, "reason": execution.reason})


def _by_choices(scored: Scored, how: Kind, question: Question, generation: Generation) -> Scored:
    labels = how.labels(question)
    found: dict[str, str | float | None] = {}
    if generation.letter is not None:
        numbers = _checked(scored, "letter.logprobs", generation.letter.logprobs, labels)
        found["letter"] = likeliest(labels, numbers)
    if generation.cloze is not None:
        found["cloze"] = likeliest(labels, cloze_numbers(scored, question, generation.cloze, labels))
    for name in list(found):
        found[f"{name}_correct"] = how.score(cast(str, found[name]), question)
    read = scored.model_copy(update=found)
    return read.model_copy(update={"score": getattr(read, f"{read.reading}_correct")})


def cloze_numbers(scored: Scored, question: Question, cloze: ChoiceReading, labels: Sequence[str]) -> list[float]:
    """Normalised log-likelihoods of the choices' texts (OLMES, Gu et al. 2024, arXiv 2406.08446, section 3.3).

    ``characters`` divides by the length of the choice in characters, without the space before it, as ``acc_norm`` of
    lm-evaluation-harness does; ``unconditional`` subtracts the log-likelihood of the choice without its question;
    ``none`` leaves the sum.
    """
    logprobs = _checked(scored, "cloze.logprobs", cloze.logprobs, labels)
    match normalisation(scored.benchmark):
        case "characters":
            pairs = zip(logprobs, question.choices, strict=True)
            return [logprob / max(len(choice), 1) for logprob, choice in pairs]
        case "unconditional":
            without = _checked(scored, "cloze.unconditional", cloze.unconditional or [], labels)
            return [logprob - base for logprob, base in zip(logprobs, without, strict=True)]
    return logprobs


def likeliest(labels: Sequence[str], numbers: Sequence[float]) -> str:
    """The label with the highest number; the first among equals."""
    return labels[max(range(len(labels)), key=numbers.__getitem__)]


def _checked(scored: Scored, key: str, numbers: list[float], labels: Sequence[str]) -> list[float]:
    if len(labels) != len(numbers) or any(math.isnan(number) for number in numbers):
        raise InputError(
            f"data/generations/{scored.system}/{scored.benchmark}.jsonl, id {scored.id!r}: {key}: expected "
            f"{len(labels)} numbers, one for each choice, found {numbers}: remove the file and run `dvc repro`"
        )
    return numbers
