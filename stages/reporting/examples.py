"""Figure 1: the same question answered by the standard and by the role arm, chosen by a rule and not by success."""

from dataclasses import dataclass

from stages.chat import self_prompt
from stages.records.question import Question
from stages.reporting import names
from stages.reporting.inputs import OPEN_ENDED, Inputs
from stages.systems import System

PREFERRED = ("mmlu", "gsm8k", OPEN_ENDED)
COUNT = 3
SHOWN = ("standard", "standard.manual", "role")
RULE = (
    "The first question of MMLU, of GSM8K and of the open-ended prompts, in the order of their files (of another "
    "benchmark where one was not run), answered by the first model and its first training seed: no choice was made "
    "among the answers."
)


@dataclass(frozen=True)
class Answer:
    """One system's output; ``manual_role`` was put into the question and not written by the model."""

    variant: str
    title: str
    role: str | None
    text: str
    finished: bool
    manual_role: str | None = None


@dataclass(frozen=True)
class Example:
    benchmark: str
    question: Question
    answers: list[Answer]


def examples(inputs: Inputs) -> list[Example]:
    """Up to three; none where an arm is lacking."""
    systems = [each for each in inputs.systems(inputs.models[0]) if each.variant in SHOWN]
    if not {"standard", "role"} <= {system.variant for system in systems}:
        return []
    order = dict.fromkeys([*PREFERRED, *inputs.benchmarks])
    answered = [each for each in order if all((system.name, each) in inputs.generations for system in systems)]
    found = (_example(inputs, systems, benchmark) for benchmark in answered)
    return [example for example in found if example is not None][:COUNT]


def _example(inputs: Inputs, systems: list[System], benchmark: str) -> Example | None:
    for identifier, question in inputs.questions.get(benchmark, {}).items():
        if all(identifier in inputs.generations[system.name, benchmark] for system in systems):
            ordered = sorted(systems, key=lambda system: SHOWN.index(system.variant))
            answers = [_answer(inputs, system, benchmark, question) for system in ordered]
            return Example(names.benchmark(benchmark), question, answers)
    return None


def _answer(inputs: Inputs, system: System, benchmark: str, question: Question) -> Answer:
    generation = inputs.generations[system.name, benchmark][question.id]
    role, text = self_prompt.split(generation.output)
    return Answer(system.variant, names.variant(system.variant), role, text.strip(), generation.finished,
                  _manual_role(generation.prompt) if system.condition == "manual" else None)  # fmt: skip


def _manual_role(prompt: str) -> str | None:
    """The hand-written role that stands in the question, as far as its paragraph goes."""
    start = prompt.find(self_prompt.OPENING)
    return prompt[start:].partition("\n\n")[0] if start >= 0 else None
