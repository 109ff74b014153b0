"""Answer three questions side by side: standard, standard with a role by hand, self-prompting (Figure 1).

The questions are the first of MMLU, of GSM8K and of the open-ended prompts, in the order of their files; where one of
the two benchmarks was not run, the next that was takes its place. So no answer has a say in what is shown. All are
answered with the open-ended prompts' decoding, by the first model's first seed of training. Writes data/examples.jsonl.
"""

import importlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.chat import self_prompt
from stages.core import command_line, parameters
from stages.core.errors import InputError
from stages.decoding import conditions
from stages.decoding.parameters import Decoding, OpenEnded, Sampling
from stages.records import files
from stages.records.example import Example
from stages.records.question import Question
from stages.records.seeds import derive_seed
from stages.records.systems import Plan, System

PLAN, QUESTIONS, OUT = Path("data/plan.json"), Path("data/questions"), Path("data/examples.jsonl")
MODELS = Path("data/models")
PREFERRED, OPEN_ENDED, COUNT = ("mmlu", "gsm8k"), "open_ended", 3
ARMS = ("standard", "role")


@dataclass(frozen=True)
class Put:
    """A question as the user's message, the role written for it by hand, and the seed of its sampled answers."""

    message: str
    manual_role: str
    seed: int = 0


@dataclass(frozen=True)
class Answer:
    """An answer, its role prompt apart."""

    role: str | None
    text: str
    finished: bool


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--scale", required=True, help="a key of `scales` in params.yaml")
    scale = f"scales.{parser.parse_args().scale}"
    plan = parameters.validate(files.read_json(PLAN), Plan, "plan", PLAN)
    asking = parameters.load(f"{scale}.preference.decoding", OpenEnded)
    decoding = parameters.load(f"{scale}.generate.decoding", Decoding)
    chosen = {benchmark: first_question(benchmark) for benchmark in benchmarks(plan.benchmarks)}
    put = [as_put(benchmark, question, parameters.load("seed", int)) for benchmark, question in chosen.items()]
    found = [
        Example(
            benchmark=benchmark,
            id=question.id,
            variant=system.variant,
            manual_role=each.manual_role if system.condition else None,
            role=answer.role,
            answer=answer.text,
            finished=answer.finished,
        )
        for system, answers in side_by_side(trained(plan), put, decoding, asking.max_new_tokens, asking.sampling)
        for (benchmark, question), each, answer in zip(chosen.items(), put, answers, strict=True)
    ]
    files.write_jsonl(OUT, found)


def benchmarks(run: list[str]) -> list[str]:
    """Two of those that were run, those of Figure 1 first, and the open-ended prompts."""
    there = [name for name in dict.fromkeys([*PREFERRED, *run]) if name in run and name != OPEN_ENDED]
    return [*there[: COUNT - 1], OPEN_ENDED]


def first_question(benchmark: str) -> Question:
    path = QUESTIONS / f"{benchmark}.jsonl"
    first = next((each for each in files.iterate_jsonl(path, Question) if each.use == "test"), None)
    if first is None:
        raise InputError(f"{path} holds no test question: run `dvc repro`, which makes it")
    return first


def as_put(benchmark: str, question: Question, seed: int) -> Put:
    message = importlib.import_module(f"stages.benchmarks.{benchmark}").show(question)
    role = conditions.manual_role(question, conditions.manual_roles(), benchmark)
    return Put(message, role, derive_seed(seed, "generate", question.id))


def trained(plan: Plan) -> Iterator[System]:
    """The two arms of the first model and seed, as far as they are part of the run."""
    for arm in ARMS:
        found = [each for each in plan.systems if each.arm == arm and each.condition is None]
        yield from found[:1]


def side_by_side(
    systems: Iterable[System],
    questions: Sequence[Put],
    decoding: Decoding,
    max_new_tokens: int,
    sampling: Sampling | None = None,
) -> Iterator[tuple[System, list[Answer]]]:
    """Each trained model's answers, those of ``standard`` also under the roles by hand; greedy without ``sampling``."""
    from stages.chat.rendering import render_prompt, tokenize
    from stages.decoding.context import QuestionEnd, next_question
    from stages.decoding.generating import Prompt, generate_all
    from stages.decoding.model import load

    for system in systems:
        loaded = load(MODELS / system.name, decoding)
        tokenizer, mark = loaded.tokenizer, next_question(loaded.tokenizer)
        end = QuestionEnd(tokenizer, mark) if mark else None
        for condition in (None, "manual") if system.arm == "standard" else (None,):
            asked = [conditions.ask(condition, each.message, each.manual_role, None).message for each in questions]
            prompts = [
                Prompt(tokenize(tokenizer, render_prompt(tokenizer, [message])), max_new_tokens, until=end)
                for message in asked
            ]
            seeds = [each.seed for each in questions]
            answers = []
            for completion in generate_all(loaded, prompts, sampling, seeds, decoding.batch_tokens):
                text = str(tokenizer.decode(completion.ids, skip_special_tokens=True))
                cut = end.cut(text) if end else None
                role, rest = self_prompt.split(text if cut is None else cut)
                answers.append(Answer(role, rest.strip(), completion.finished))
            yield system.model_copy(update={"condition": condition}), answers


if __name__ == "__main__":
    command_line.run(main)
