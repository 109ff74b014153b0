"""Run what the systems answered to HumanEval against its tests, in a sandbox.

Writes data/executions/<system>.jsonl: what each program did. pass@1 is the share that passed (Chen et al. 2021, with
one greedy answer a problem). Where the machine offers no sandbox nothing is run, and every verdict is null.
"""

import shutil
from pathlib import Path

from stages.answers import code
from stages.chat import self_prompt
from stages.core import command_line, parameters
from stages.core.errors import InputError
from stages.records.files import read_jsonl, write_jsonl
from stages.records.question import Question
from stages.records.results import Execution, Generation
from stages.records.systems import read_plan
from stages.sandbox.runner import Limits, Task, run_all

QUESTIONS = Path("data/questions/humaneval.jsonl")
GENERATIONS = Path("data/generations")
OUT = Path("data/executions")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    plan = read_plan()
    limits = parameters.load("sandbox", Limits)
    systems = [system.name for system in plan.systems] if "humaneval" in plan.benchmarks else []
    questions = {question.id: question for question in read_jsonl(QUESTIONS, Question)} if systems else {}
    tasks = {
        (system, generation.id): task(questions, generation, path)
        for system in systems
        for path in [GENERATIONS / system / "humaneval.jsonl"]
        for generation in read_jsonl(path, Generation)
    }
    executions = {
        key: Execution(id=key[1], program=tasks[key].program, passed=outcome.passed, reason=outcome.reason)
        for key, outcome in zip(tasks, run_all(list(tasks.values()), limits), strict=True)
    }
    shutil.rmtree(OUT, ignore_errors=True)  # an earlier choice of systems may have left others
    OUT.mkdir(parents=True)
    for system in systems:
        write_jsonl(OUT / f"{system}.jsonl", [each for (owner, _), each in executions.items() if owner == system])


def task(questions: dict[str, Question], generation: Generation, path: Path) -> Task:
    """The program that an answer makes, with the question's tests."""
    question = questions.get(generation.id)
    if question is None or question.task is None:
        raise InputError(
            f"{path}: id {generation.id!r} has no question with tests in {QUESTIONS}: run `dvc repro`, "
            "which answers the questions that are there"
        )
    program = code.program(question, self_prompt.answer_of(generation.output or ""))
    return Task(program, question.task.entry_point, prompt=question.question, test=question.task.test)


if __name__ == "__main__":
    command_line.run(main)
