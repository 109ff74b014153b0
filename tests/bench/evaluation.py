"""Answering against lm-evaluation-harness: ``make bench-evaluation``; the last line is JSON.

The same model, texts, stops, dtype and number of threads on both sides; loading is not timed. Items are MMLU, GSM8K,
CommonsenseQA and OpenBookQA of the mirror that ``HUB_MIRROR`` names, or the bundled sets. The harness runs at the
fastest of several batch sizes, found on a part of the items, in one process, since it deals out work to GPUs alone
(``lm_eval/models/huggingface.py``).
Ours is what the stages call, at ``packed: true``, in two processes of one thread each (``servers.local.processes``).

``generate_ratio``, ``loglik_ratio_<k>shot``: items a second, ours to the harness's.
``generate_agree``: the share of answers that are equal to the letter.
``loglik_agree``: the share of items with the same likeliest letter, or whose two likeliest are within 0.0001 nats.
``cloze_ratio``, ``cloze_agree``: the same of choices compared by their own text, which the prompt does not show, in the
normalisation of each benchmark: by characters on MMLU (the harness's ``acc_norm``), by the likelihood after ``Answer:``
alone on the other two (OLMES's form of its ``acc_mutual_info``).
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from stages.benchmarks import commonsenseqa, gsm8k, mmlu, openbookqa
from stages.corpora.roots import MIRROR_VARIABLE, Source
from stages.decoding.parameters import Asking, Decoding, Reading
from stages.decoding.prompts import Item, Job, prepare
from stages.records.question import LETTERS, Question

TIE = 1e-4
SHOTS = (0, 5)
SIDES = {"ours": "tests.bench.evaluation_ours", "lm_eval": "tests.bench.evaluation_lm_eval"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m", help="a key of `models` in params.yaml")
    parser.add_argument("--subjects", type=int, default=8)
    parser.add_argument("--per-subject", type=int, default=24)
    parser.add_argument("--problems", type=int, default=100, help="of GSM8K")
    parser.add_argument("--cloze", type=int, default=100, help="questions of CommonsenseQA, and of OpenBookQA")
    parser.add_argument("--letters", type=int, help="MMLU questions that are asked by letter too; default: all of them")
    parser.add_argument("--max-new-tokens", type=int, default=512, help="as the scale `paper` cuts answers to GSM8K")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2, help="of ours, among which the threads are shared out")
    parser.add_argument("--batch-size", type=int, help="the harness's; default: the fastest of several on a part")
    parser.add_argument("--unpacked", action="store_true", help="ours at `packed: false`")
    parser.add_argument(
        "--clock",
        default="perf_counter",
        choices=["perf_counter", "process_time"],
        help="process_time counts the processor's time alone: with --threads 1, on a machine that others use too",
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder = Path("data/base") / arguments.model
    if not folder.is_dir():
        subprocess.run([sys.executable, "-m", "stages.base_model", "--model", arguments.model], check=True)
    work = work_of(arguments, folder)
    ours, theirs = (run(side, work) for side in ("ours", "lm_eval"))
    print(json.dumps(compared(work, ours, theirs)))


def work_of(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What either side is to do, and which choices are right."""
    rng = random.Random(arguments.seed)
    source = Source("mirror" if os.environ.get(MIRROR_VARIABLE) else "bundled")
    choices = list(some_subjects(list(mmlu.questions(source, rng)), arguments, rng))
    problems = [question for question in gsm8k.questions(source, rng) if question.use == "test"]
    problems = rng.sample(problems, min(arguments.problems, len(problems)))
    tests = [question for question in choices if question.use == "test"]
    lettered = rng.sample(tests, min(arguments.letters or len(tests), len(tests)))
    shots = [question for question in choices if question.use == "shot"]
    asked = {mmlu: tests}
    for benchmark in (commonsenseqa, openbookqa):
        all_tests = [question for question in benchmark.questions(source, rng) if question.use == "test"]
        asked[benchmark] = rng.sample(all_tests, min(arguments.cloze, len(all_tests)))
    rows, normalise = cloze_rows(folder, asked)
    return {
        "folder": str(folder),
        "decoding": {
            "dtype": arguments.dtype,
            "threads": arguments.threads // arguments.processes,
            "batch_tokens": 256,  # each side has its own way to choose how many rows go together
            "packed": not arguments.unpacked,
        },
        "threads": arguments.threads,
        "batch_size": arguments.batch_size,
        "processes": arguments.processes,
        "clock": arguments.clock,
        "max_new_tokens": arguments.max_new_tokens,
        "generate": [item.text for item in items(folder, gsm8k, problems, "written")],
        "loglikelihood": {
            str(number): [
                [item.before_choices(None, mmlu.TRIGGER), [f" {letter}" for letter in LETTERS[:4]]]
                for item in items(folder, mmlu, [*lettered, *shots], "letter", number)
            ]
            for number in SHOTS
        },
        "right": [question.answer for question in lettered],
        "cloze": rows,
        "normalise": normalise,
        "cloze_right": {
            short(benchmark): [question.answer for question in questions] for benchmark, questions in asked.items()
        },
    }


def cloze_rows(folder: Path, asked: dict[Any, list[Question]]) -> tuple[list[Any], list[Any]]:
    """Texts with the choices that may follow, and for each question how its rows make a choice.

    That is the place of its row, the place of the row without the question or None, and by what to divide.
    """
    rows: list[Any] = []
    normalise: list[Any] = []
    for benchmark, questions in asked.items():
        for item in items(folder, benchmark, questions, "cloze"):
            choices = [f" {choice}" for choice in item.question.choices]
            apart = len(rows) + 1 if benchmark.NORMALISATION == "unconditional" else None
            lengths = [len(choice) - 1 if benchmark.NORMALISATION == "characters" else 1 for choice in choices]
            normalise.append([len(rows), apart, lengths])
            rows.append([item.before_choices(None, benchmark.TRIGGER), choices])
            if apart:
                rows.append([benchmark.TRIGGER, choices])
    return rows, normalise


def some_subjects(questions: list[Question], arguments: argparse.Namespace, rng: random.Random) -> Iterator[Question]:
    """Some questions of some subjects, and these subjects' worked examples."""
    for subject in rng.sample(sorted({str(question.group) for question in questions}), arguments.subjects):
        tests = [question for question in questions if question.group == subject and question.use == "test"]
        yield from rng.sample(tests, min(arguments.per_subject, len(tests)))
        yield from (question for question in questions if question.group == subject and question.use == "shot")


def items(folder: Path, benchmark: Any, questions: list[Question], reading: Reading, shots: int = 0) -> list[Item]:
    """The questions as the stage ``generate`` shows them."""
    decoding = Decoding(dtype="float32", batch_tokens=256)
    asking = Asking(max_new_tokens=1, role_tokens=1, shots=shots)
    job = Job(folder, short(benchmark), benchmark, [reading], None, asking, decoding, 1, Path())
    return prepare(job, questions, None, AutoTokenizer.from_pretrained(folder), reading)


def short(benchmark: Any) -> str:
    """The benchmark's name."""
    return str(benchmark.__name__.rpartition(".")[2])


def run(side: str, work: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        asked, done = Path(temporary) / "work.json", Path(temporary) / "done.json"
        asked.write_text(json.dumps(work), encoding="utf-8")
        subprocess.run([sys.executable, "-m", SIDES[side], str(asked), str(done)], check=True)
        found: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return found


def compared(work: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """Ratios and shares; scores and picks are printed on the way."""
    found = {"generate_ratio": theirs["generate"]["seconds"] / ours["generate"]["seconds"]}
    pairs = list(zip(ours["generate"]["outputs"], theirs["generate"]["outputs"], strict=True))
    found["generate_agree"] = sum(first == second for first, second in pairs) / len(pairs)
    agree: list[bool] = []
    for shots in work["loglikelihood"]:
        first, second = ours["loglikelihood"][shots], theirs["loglikelihood"][shots]
        found[f"loglik_ratio_{shots}shot"] = second["seconds"] / first["seconds"]
        agree += [same(*row) for row in zip(first["logprobs"], second["logprobs"], strict=True)]
        print_scores(f"mmlu by letter, {shots}-shot", work["right"], first["logprobs"], second["logprobs"])
    found["loglik_agree"] = sum(agree) / len(agree)
    found["cloze_ratio"] = theirs["cloze"]["seconds"] / ours["cloze"]["seconds"]
    compared_by = [normalised(work["normalise"], side["cloze"]["logprobs"]) for side in (ours, theirs)]
    found["cloze_agree"] = sum(map(same, *compared_by)) / len(compared_by[0])
    begin = 0
    for name, right in work["cloze_right"].items():
        part = slice(begin, begin := begin + len(right))
        print_scores(f"{name} by cloze", right, *(values[part] for values in compared_by))
    tokenizer = AutoTokenizer.from_pretrained(work["folder"])
    for name, side in (("ours", ours), ("lm_eval", theirs)):
        written = sum(
            len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in side["generate"]["outputs"]
        )
        found[f"{name}_tokens_per_s"] = written / side["generate"]["seconds"]
    return {name: round(value, 4) for name, value in found.items()}


def normalised(rules: list[Any], logprobs: list[list[float]]) -> list[list[float]]:
    """What choices are compared by, for each question."""
    return [
        [
            (value - (logprobs[apart][place] if apart else 0.0)) / lengths[place]
            for place, value in enumerate(logprobs[row])
        ]
        for row, apart, lengths in rules
    ]


def print_scores(what: str, right: list[str], ours: list[list[float]], theirs: list[list[float]]) -> None:
    """How many questions each side gets right, and the labels that it chooses."""
    for name, side in (("ours", ours), ("lm_eval", theirs)):
        chosen = [LETTERS[likeliest(row)] for row in side]
        picks = ", ".join(f"{label} {count}" for label, count in sorted(Counter(chosen).items()))
        correct = sum(map(str.__eq__, chosen, right))
        print(f"{what}, {name}: {correct} of {len(right)} right; choices {picks}")


def same(first: list[float], second: list[float]) -> bool:
    best, next_best = sorted(second, reverse=True)[:2]
    return likeliest(first) == likeliest(second) or best - next_best < TIE


def likeliest(logprobs: list[float]) -> int:
    return max(range(len(logprobs)), key=logprobs.__getitem__)


if __name__ == "__main__":
    main()
