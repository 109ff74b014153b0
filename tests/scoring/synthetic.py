"""A small run written by a seeded generator: questions, generations and executions as the stages leave them."""

import random
from pathlib import Path

from stages.records.files import write_json, write_jsonl
from stages.records.question import CodeTask, Question
from stages.records.results import ChoiceReading, Execution, Generation, ReferenceLikelihood
from stages.records.systems import Plan, System
from stages.scoring.domains import SUBJECTS

ROLE = "From now on, you are a patient teacher who knows this subject well and answers with care."
SHARES = {"base": 0.3, "standard": 0.45, "role": 0.6, "role.stripped": 0.5, "shuffled": 0.4}


def plan(systems: list[System], benchmarks: list[str]) -> Plan:
    return Plan(
        systems=systems,
        benchmarks=benchmarks,
        corpus="bundled",
        annotator="recorded",
        judge="local",
        data="bundled",
        scale="mini",
    )


def systems(seeds: tuple[int, ...] = (1,), model: str = "tiny") -> list[System]:
    trained = [
        System(model=model, arm=arm, condition=condition, seed=seed)
        for arm, condition in (("standard", None), ("role", None), ("role", "stripped"), ("shuffled", None))
        for seed in seeds
    ]
    return [System(model=model), *trained]


def questions(benchmark: str, n: int) -> list[Question]:
    made = [_question(benchmark, number) for number in range(n)]
    return [*made, made[0].model_copy(update={"id": f"{benchmark}-shot-0", "use": "shot"})]


def _question(benchmark: str, number: int) -> Question:
    identifier, text = f"{benchmark}-{number}", f"Question {number}?"
    match benchmark:
        case "mmlu":
            subjects = sorted(SUBJECTS)
            group, choices = subjects[number % len(subjects)], ["one", "two", "three", "four"]
            return Question(id=identifier, group=group, question=text, choices=choices, answer="ABCD"[number % 4])
        case "strategyqa":
            return Question(id=identifier, question=text, choices=["yes", "no"], answer=["yes", "no"][number % 2])
        case "gsm8k":
            return Question(id=identifier, question=text, answer=str(number * 7))
        case "hotpotqa":
            return Question(id=identifier, group="bridge", question=text, answer=f"The town {number}")
        case "humaneval":
            task = CodeTask(entry_point="f", test="def check(candidate):\n    pass\n")
            prompt = f'def f(x):\n    """ Add {number}. """\n'
            return Question(id=identifier, question=prompt, answer=f"    return x + {number}\n", task=task)
        case "open_ended":
            return Question(id=identifier, question=text, answer="")
    raise ValueError(benchmark)


def generation(system: System, benchmark: str, question: Question, *, right: bool) -> Generation:
    wrong = {"mmlu": "ABCD"["ABCD".find(question.answer) - 1], "strategyqa": "yes" if question.answer == "no" else "no"}
    answer = question.answer if right else wrong.get(benchmark, "nowhere to be found")
    text = (
        f"```python\n{question.question}{answer}```" if benchmark == "humaneval" else f"So it is.\n\nAnswer: {answer}"
    )
    role = ROLE if system.arm in {"role", "shuffled"} and system.condition is None else None
    reading = None
    if question.choices:
        labels = "ABCD" if benchmark == "mmlu" else question.choices
        numbers = [-0.5 if label == answer else -2.5 for label in labels]
        reading = ChoiceReading(prompt=f"<user>{question.question}Answer:", role=role, logprobs=numbers)
    return Generation(
        id=question.id,
        prompt=f"<user>{question.question}",
        role=role,
        output=text if role is None else f"{role}\n\n{text}",
        output_tokens=12,
        finished=True,
        letter=reading,
        cloze=reading,
    )


def likelihoods(system: System, n: int = 40) -> list[ReferenceLikelihood]:
    """Answers of 50 tokens; the arm's own role prompt makes each a tenth of a nat a token likelier than none."""
    rng = random.Random(f"{system.name}/likelihood")
    found = []
    for number in range(n):
        base = 50 * rng.uniform(2.0, 3.0)
        nats = {
            "recorded": base - 4.0,
            "other": base + rng.gauss(0, 1),
            "generic": base + rng.gauss(0, 1),
            "none": base,
        }
        if system.arm == "role":
            nats = {"own": base - 5.0 + rng.gauss(0, 1), **nats}
        role = ROLE if system.arm == "role" else None
        found.append(ReferenceLikelihood(id=f"bundled-{number:05d}", tokens=50, own_role=role, nats=nats))
    return found


def write_run(folder: Path, run: Plan, sizes: dict[str, int], *, passed: bool | None = True) -> None:
    """Write ``data/`` under the folder; ``passed`` None stands for a machine without a sandbox."""
    write_json(folder / "data/plan.json", run.model_dump())
    for system in run.systems:
        if system.condition is None:
            write_jsonl(folder / f"data/likelihoods/{system.name}.jsonl", likelihoods(system))
    for benchmark in run.benchmarks:
        asked = questions(benchmark, sizes[benchmark])
        write_jsonl(folder / f"data/questions/{benchmark}.jsonl", asked)
        for system in run.systems:
            rng = random.Random(f"{system.name}/{benchmark}")
            share = SHARES[system.variant]
            written = [
                generation(system, benchmark, question, right=rng.random() < share)
                for question in asked
                if question.use == "test"
            ]
            write_jsonl(folder / f"data/generations/{system.name}/{benchmark}.jsonl", written)
            if benchmark == "humaneval":
                write_jsonl(folder / f"data/executions/{system.name}.jsonl", _executions(written, passed))


def _executions(written: list[Generation], passed: bool | None) -> list[Execution]:
    return [
        Execution(
            id=item.id,
            program="",
            passed=None if passed is None else "return x" in item.output,
            reason="no sandbox on this machine" if passed is None else "passed or not",
        )
        for item in written
    ]
