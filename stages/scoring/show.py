"""One question with every system's answer, printed for people."""

import string
import textwrap
from collections.abc import Iterator
from pathlib import Path

from stages.core.errors import InputError
from stages.records.results import Generation, Scored
from stages.records.systems import Plan
from stages.scoring.items import DATA, kind_name, read_generations, read_questions


def show(name: str, plan: Plan, items: list[Scored], data: Path = DATA) -> str:
    """The item named ``mmlu:123``, ``mmlu:mmlu-123`` or by its id alone, across all systems of the plan.

    Raises:
        InputError: No scored item has that name.
    """
    found = [item for item in items if name in _names(item)]
    if not found:
        first = {item.benchmark: item.id for item in reversed(items)} or {"mmlu": "mmlu-0"}
        examples = ", ".join(f"{benchmark}:{identifier}" for benchmark, identifier in first.items())
        raise InputError(f"--show {name}: no item that was scored is named so; names look like {examples}")
    benchmark, identifier = found[0].benchmark, found[0].id
    question = read_questions(benchmark, data)[identifier]
    labels = string.ascii_uppercase if kind_name(benchmark) == "choice" else ""
    choices = [f"{labels[index]}. {choice}" if labels else choice for index, choice in enumerate(question.choices)]
    parts = [f"{benchmark}:{identifier}" + (f" ({question.group})" if question.group else ""), ""]
    parts += map(_indented, [question.question, *choices])
    parts += ["", f"right answer: {question.answer}"]
    by_system = {item.system: item for item in found if item.benchmark == benchmark}
    for system in plan.systems:
        if system.name in by_system:
            parts += _answer(by_system[system.name], read_generations(system, benchmark, data)[identifier])
    return "\n".join(parts)


def _names(item: Scored) -> set[str]:
    short = item.id.removeprefix(f"{item.benchmark}-")
    return {item.id, f"{item.benchmark}:{item.id}", f"{item.benchmark}:{short}"}


def _answer(item: Scored, generation: Generation) -> Iterator[str]:
    yield ""
    yield f"── {item.system} " + "─" * max(3, 76 - len(item.system))
    if item.role is not None:
        yield f"role prompt{'' if item.role_well_formed else ' (not well formed)'}:\n{_indented(item.role)}"
    if generation.output is not None:
        yield f"prompt:\n{_indented(generation.prompt or '')}"
        output = generation.output.removeprefix(item.role or "").strip()
        yield f"output ({'ended' if generation.finished else 'cut off at the limit'}):\n{_indented(output)}"
        yield f"read as: {item.written if item.written is not None else 'nothing'}" + (
            f" ({item.pattern} pattern), {_verdict(item.written_correct)}" if item.pattern else ""
        )
    for name in ("letter", "cloze"):
        if (reading := getattr(generation, name)) is not None:
            yield f"{name}: {getattr(item, name)}, {_verdict(getattr(item, f'{name}_correct'))}, after:"
            yield _indented(reading.prompt)
            yield f"log-probabilities: {', '.join(f'{value:.3f}' for value in reading.logprobs)}"
    if item.f1 is not None:
        yield f"F1: {item.f1:.3f}"
    if item.reason is not None:
        yield f"execution: {item.reason}"
    yield f"score ({item.reading}): {'none' if item.score is None else f'{item.score:g}'}"


def _verdict(correct: float | None) -> str:
    return "right" if correct == 1 else "wrong"


def _indented(text: str) -> str:
    return textwrap.indent(text, "    ")
