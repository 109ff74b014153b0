"""All answers that a plan asks for, read and scored."""

from collections.abc import Iterator
from pathlib import Path

from stages.core.errors import InputError
from stages.records.files import read_jsonl
from stages.records.question import Question
from stages.records.results import Execution, Generation, Scored
from stages.records.systems import Plan, System
from stages.scoring.items import kind, score_item, scored_benchmarks

DATA = Path("data")


def score_plan(plan: Plan, primary: str, data: Path = DATA) -> list[Scored]:
    """One item for each answer, in the order of the plan's systems and benchmarks and of each benchmark's questions.

    Args:
        plan: The systems and benchmarks of the run.
        primary: The reading of multiple choice that is the score.
        data: The folder with questions, generations and executions.

    Raises:
        InputError: A file is missing or inconsistent with the questions.
    """
    benchmarks = scored_benchmarks(plan.benchmarks)
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
    runs_code = kind(benchmark).READING == "pass@1"
    executions = _executions(system, data) if runs_code else {}
    for identifier, question in questions.items():
        if identifier in generations:
            execution = executions.get(identifier)
            if runs_code and execution is None:
                raise InputError(
                    f"data/executions/{system.name}.jsonl: id {identifier!r} is missing: run `dvc repro execute`"
                )
            yield score_item(system, benchmark, question, generations[identifier], primary, execution)


def _with_one_reading(items: list[Scored]) -> list[Scored]:
    """Score all of a model's systems on a benchmark by one reading.

    This is the primary reading, or the written one where a server gave one of the systems no likelihoods. A written
    reading may cover only some of the items.

    Raises:
        InputError: A system has neither reading, or has likelihoods for only some items.
    """
    made: dict[tuple[str, str], dict[str, list[Scored]]] = {}
    for item in items:
        made.setdefault((item.model, item.benchmark), {}).setdefault(item.system, []).append(item)
    lacking = {key for key, systems in made.items() if not all(map(_has_its_reading, systems.values()))}
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
    """Whether a system's items have the reading that they will be scored by."""
    scored = [item.score is not None or item.reason is not None for item in items]
    return any(scored) if items[0].reading == "written" else all(scored)


def _executions(system: System, data: Path) -> dict[str, Execution]:
    return {item.id: item for item in read_jsonl(data / "executions" / f"{system.name}.jsonl", Execution)}
