"""Everything that the report reads, from the files of the other stages."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.core import parameters
from stages.records.files import read_json, read_jsonl
from stages.records.question import Question
from stages.records.results import Generation, Judgement, Scored
from stages.records.systems import Plan, read_plan
from stages.reporting.names import counted, sentence

OPEN_ENDED = "open_ended"
ROLE_PAIR = "role - standard"

Metrics = dict[str, Any]
LossRows = list[dict[str, float | None]]


@dataclass(frozen=True)
class Inputs:
    """One run's files.

    Attributes:
        metrics: ``benchmarks``, ``comparison``, … with the content of their files in ``metrics/``; empty where a file
            is absent because ``run`` does not ask for it.
        finetune: Each trained system's metrics; ``losses`` its loss curve.
        questions: Benchmark → the test questions by id.
        generations: System and benchmark → the answers by id.
        scored: System, benchmark and id → the answer as read and scored.
        judgements: The judge's verdicts on open-ended answers; empty where nothing was judged.
        parameters: All of ``params.yaml``.
    """

    root: Path
    plan: Plan
    metrics: dict[str, Metrics]
    finetune: dict[str, Metrics]
    losses: dict[str, LossRows]
    scored: dict[tuple[str, str, str], Scored]
    questions: dict[str, dict[str, Question]]
    generations: dict[tuple[str, str], dict[str, Generation]]
    judgements: list[Judgement]
    parameters: Metrics

    @property
    def models(self) -> list[str]:
        return list(dict.fromkeys(system.model for system in self.plan.systems))

    def about(self, model: str, text: str) -> str:
        """A sentence on the model, which it names where there are several."""
        return sentence(model if len(self.models) > 1 else "", text)

    @property
    def benchmarks(self) -> list[str]:
        """Those that are scored."""
        return [benchmark for benchmark in self.plan.benchmarks if benchmark != OPEN_ENDED]

    @property
    def seeds(self) -> int:
        """How often each arm was trained."""
        return len({system.seed for system in self.plan.systems if system.seed is not None})

    def variants(self, model: str) -> list[str]:
        return list(dict.fromkeys(system.variant for system in self.plan.systems if system.model == model))

    def preset(self, section: str, name: str) -> Metrics:
        found = self.parameters.get(section, {}).get(name)
        return found if isinstance(found, dict) else {}

    @property
    def validation_items(self) -> str:
        """How many held-out items the validation losses are of, in words."""
        counts = {metrics["validation_items"] for metrics in self.finetune.values() if metrics.get("validation_items")}
        if len(counts) > 1:
            return f"{min(counts)} to {counted(max(counts), 'validation item')}"
        return counted(counts.pop(), "validation item") if counts else "the validation items"

    @property
    def margin(self) -> float:
        """Smaller differences of shares count as equal."""
        return float(self.parameters["statistics"]["margin"])

    @property
    def domain_of(self) -> dict[str, str]:
        """The domain of each of MMLU's subjects."""
        domains = self.parameters.get("mmlu_domains", {})
        return {subject: domain for domain, subjects in domains.items() for subject in subjects}

    def scores(self, model: str, variant: str) -> dict[str, Metrics]:
        """Benchmark → the variant's score and all that belongs to it."""
        return dict(self.metrics["benchmarks"].get(model, {}).get(variant, {}))

    def pair(self, model: str) -> dict[str, Metrics]:
        """Benchmark → difference of role and standard."""
        return dict(self.metrics["comparison"].get(model, {}).get(ROLE_PAIR, {}))

    def between(self, model: str) -> Metrics:
        """Pair of conditions → difference between the arms in the likelihood of reference answers."""
        return dict(self.metrics["likelihood"].get(model, {}).get("between", {}))

    @property
    def reference_answers(self) -> int:
        """Number of held-out answers behind the likelihoods."""
        return max((entry["n"] for model in self.models for entry in self.between(model).values()), default=0)

    @property
    def measured(self) -> str:
        """How much of each reference answer was measured, in words; empty where all of it was."""
        tokens = self.preset("scales", self.plan.scale).get("likelihood", {}).get("answer_tokens")
        return f"at most the first {counted(tokens, 'token')}" if tokens else ""

    def chance(self, benchmark: str) -> float | None:
        """The mean, over the questions asked, of one divided by the number of choices; None where there are none."""
        questions = self.questions.get(benchmark, {})
        answered = next((found.values() for (_, name), found in self.generations.items() if name == benchmark), None)
        asked = questions if answered is None else {answer.id for answer in answered}
        shares = [1 / len(questions[each].choices) for each in asked if each in questions and questions[each].choices]
        return sum(shares) / len(shares) if shares else None


METRICS = ("benchmarks", "comparison", "likelihood", "mmlu_domains", "roles", "preference", "annotate", "costs",
           "contamination")  # fmt: skip


def load(root: Path) -> Inputs:
    """Read a run's files under ``root``.

    Raises:
        InputError: A file that every run has is missing, or a file is not as expected.
    """
    plan = read_plan(root / "data/plan.json")
    metrics = {name: _optional(root / f"metrics/{name}.json") for name in METRICS}
    metrics |= {name: read_json(root / f"metrics/{name}.json") for name in METRICS[:2]}
    scored, judged = root / "data/scored.jsonl", root / "data/judgements.jsonl"
    trained = [system.name for system in plan.systems if system.arm is not None and system.condition is None]
    asked = {each: root / f"data/questions/{each}.jsonl" for each in [*plan.benchmarks, OPEN_ENDED]}
    questions = {each: {found.id: found for found in read_jsonl(path, Question) if found.use == "test"}
                 for each, path in asked.items() if each != OPEN_ENDED or path.is_file()}  # fmt: skip
    answers = {(system.name, each): root / f"data/generations/{system.name}/{each}.jsonl"
               for system in (*plan.systems, *plan.rivals) for each in asked}  # fmt: skip
    return Inputs(
        root=root,
        plan=plan,
        metrics=metrics,
        finetune={name: _optional(root / f"metrics/finetune/{name}.json") for name in trained},
        losses={name: _losses(root / f"plots/loss/{name}.csv") for name in trained},
        scored={(each.system, each.benchmark, each.id): each for each in read_jsonl(scored, Scored)},
        questions={benchmark: found for benchmark, found in questions.items() if found},
        generations={key: {each.id: each for each in read_jsonl(path, Generation)}
                     for key, path in answers.items() if path.is_file()},
        judgements=read_jsonl(judged, Judgement) if judged.is_file() else [],
        parameters=parameters.read(root / "params.yaml"),
    )  # fmt: skip


def _optional(path: Path) -> Metrics:
    return dict(read_json(path)) if path.is_file() else {}


def _losses(path: Path) -> LossRows:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{key: float(value) if value else None for key, value in row.items()} for row in csv.DictReader(file)]


LOSS_COLUMNS = ("model", "arm", "seed", "step", "tokens", "loss", "validation_answer_loss")


def loss_rows(inputs: Inputs) -> Iterator[Sequence[Any]]:
    """A row for each line of ``plots/loss/<system>.csv``, in the order of the plan."""
    for system in inputs.plan.systems:
        if system.condition is None:
            for found in inputs.losses.get(system.name, []):
                step, tokens = (int(found[key] or 0) for key in ("step", "tokens"))
                losses = (found.get(key) for key in ("loss", "validation_answer_loss"))
                yield (system.model, system.arm, system.seed, step, tokens, *losses)
