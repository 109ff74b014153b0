"""All answers that a plan asks for, read and scored."""

from collections.abc import Iterator
from pathlib import Path

from stages.core.errors import InputError
from stages.records.files import read_jsonl
from stages.records.execution import Execution
from stages.records.generation import Generation
from stages.records.question import Question
from stages.records.scored import Scored
from stages.scoring.items import score_item
from stages.scoring.kinds import kind, scored_benchmarks
from stages.records.systems import Plan, System

DATA = Path("data")


def score_plan(plan: Plan, data: Path = DATA) -> list[Scored]:
    """An item a line, in the order of the plan's systems and benchmarks and of each benchmark's questions.

    Raises:
        InputError: A file is missing or inconsistent with the questions.
    """
    benchmarks = scored_benchmarks(plan.benchmarks)
    questions = {benchmark: read_questions(benchmark, data) for benchmark in benchmarks}
    items = [
        item
        for system in plan.systems
        for benchmark in benchmarks
        for item in _score(system, benchmark, questions[benchmark], data)
    ]
    _check_readings(items)
    return items


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


def _score(system: System, benchmark: str, questions: dict[str, Question], data: Path) -> Iterator[Scored]:
    generations = read_generations(system, benchmark, data)
    if unknown := [identifier for identifier in generations if identifier not in questions]:
        raise InputError(
            f"data/generations/{system.name}/{benchmark}.jsonl: id {unknown[0]!r}: expected an id of a question in "
            f"data/questions/{benchmark}.jsonl: run `dvc repro`, which answers today's questions"
        )
    answer_kind = kind(benchmark)
    executions = _executions(system, data) if answer_kind.READING == "pass@1" else {}
    for identifier, question in questions.items():
        if identifier in generations:
            execution = executions.get(identifier)
            if answer_kind.READING == "pass@1" and execution is None:
                raise InputError(
                    f"data/executions/{system.name}.jsonl: id {identifier!r} is missing: run `dvc repro execute`"
                )
            yield score_item(system, benchmark, answer_kind, question, generations[identifier], execution)


def _check_readings(items: list[Scored]) -> None:
    """Answers read in two ways cannot be compared: a model's choices all have log-likelihoods, or none has."""
    readings: dict[tuple[str, str], bool] = {}
    for item in items:
        has = item.loglikelihood is not None
        if readings.setdefault((item.model, item.benchmark), has) != has:
            raise InputError(
                f"data/generations/{item.system}/{item.benchmark}.jsonl, id {item.id!r}: choice_logprobs: expected in "
                "all of the model's answers to a benchmark or in none: remove the file and run `dvc repro`"
            )


def _executions(system: System, data: Path) -> dict[str, Execution]:
    return {item.id: item for item in read_jsonl(data / "executions" / f"{system.name}.jsonl", Execution)}
