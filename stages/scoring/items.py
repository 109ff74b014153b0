"""One answer, read and scored."""

import math
import re

from stages.decoding import conditions
from stages.chat import self_prompt
from stages.core.errors import InputError
from stages.records.execution import Execution
from stages.records.generation import Generation
from stages.records.question import Question
from stages.records.scored import Scored
from stages.scoring.kinds import Kind
from stages.scoring.role_form import well_formed
from stages.records.systems import System

TORN_NUMBER = re.compile(r"\d(?:[\d.,/]*[\d,/])?$")  # a full stop ends it


def score_item(
    system: System,
    benchmark: str,
    kind: Kind,
    question: Question,
    generation: Generation,
    execution: Execution | None = None,
) -> Scored:
    """Read the answer, which never includes the role prompt, and score it.

    Args:
        system: What answered.
        benchmark: What asked.
        kind: The module of ``stages.answers`` that reads this benchmark's answers.
        question: What was asked.
        generation: What was written.
        execution: What the program did; only where the answer is code.
    """
    role, _ = self_prompt.split(generation.output)
    reading = kind.read(answer_of(generation, kind), question)
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
        written=reading.value,
        written_correct=0.0 if kind.READING == "pass@1" else kind.score(reading.value, question),
        pattern=reading.pattern,
        loglikelihood=None,
        loglikelihood_correct=None,
        f1=kind.f1(reading.value, question) if kind.READING == "exact_match" else None,
        score=None,
    )
    if execution is not None:
        return _by_execution(scored, execution)
    if kind.READING == "loglikelihood" and generation.choice_logprobs is not None:
        return _by_loglikelihood(scored, kind, question, generation.choice_logprobs)
    return scored.model_copy(update={"score": scored.written_correct})


def answer_of(generation: Generation, kind: Kind) -> str:
    """What of an output is read.

    Not a number at the end of an output that the limit cut off: it may be the head of a longer one ("25 rows of 4").
    """
    whole = generation.finished or kind.READING == "pass@1"
    return conditions.answer_of(generation.output if whole else TORN_NUMBER.sub("", generation.output))


def _by_execution(scored: Scored, execution: Execution) -> Scored:
    if execution.passed is None:
        return scored.model_copy(update={"reason": execution.reason})
    passed = float(execution.passed)
    return scored.model_copy(update={"written_correct": passed, "score": passed, "reason": execution.reason})


def _by_loglikelihood(scored: Scored, kind: Kind, question: Question, logprobs: list[float]) -> Scored:
    labels = kind.labels(question)
    if len(labels) != len(logprobs) or any(math.isnan(logprob) for logprob in logprobs):
        raise InputError(
            f"data/generations/{scored.system}/{scored.benchmark}.jsonl, id {scored.id!r}: choice_logprobs: expected "
            f"{len(labels)} numbers, one for each choice, found {logprobs}: remove the file and run `dvc repro`"
        )
    likeliest = labels[max(range(len(labels)), key=logprobs.__getitem__)]  # of equals the first
    correct = kind.score(likeliest, question)
    return scored.model_copy(update={"loglikelihood": likeliest, "loglikelihood_correct": correct, "score": correct})
