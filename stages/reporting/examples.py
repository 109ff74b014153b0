"""Figure 1: the same question answered with and without a role, by hand and of the model's own."""

from dataclasses import dataclass

from stages.records.example import Example as Record
from stages.records.question import Question
from stages.reporting import names
from stages.reporting.inputs import Inputs

SHOWN = ("standard", "standard.manual", "role")
RULE = (
    "The first question of MMLU, of GSM8K and of the open-ended prompts, in the order of their files (of another "
    "benchmark where one was not run), answered by the first model and its first training seed, sampled as the "
    "open-ended prompts are, while the answers that are scored are not sampled: no choice was made among questions by "
    "their answers, nor among answers."
)


@dataclass(frozen=True)
class Answer:
    """One system's answer; ``manual_role`` was put into the question and not written by the model."""

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
    """In the order in which they were chosen; none where an arm is lacking."""
    found: dict[tuple[str, str], dict[str, Record]] = {}
    for record in inputs.examples:
        found.setdefault((record.benchmark, record.id), {})[record.variant] = record
    return [
        Example(
            names.benchmark(benchmark),
            inputs.questions[benchmark][identifier],
            [_answer(by_variant[variant]) for variant in SHOWN],
        )
        for (benchmark, identifier), by_variant in found.items()
        if by_variant.keys() >= set(SHOWN)
    ]


def _answer(record: Record) -> Answer:
    return Answer(record.variant, names.variant(record.variant), record.role, record.answer, record.finished,
                  record.manual_role)  # fmt: skip
