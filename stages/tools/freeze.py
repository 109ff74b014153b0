"""Keep the finished run as a part of a study: its item-level records, without any text of a benchmark or a corpus.

    python -m stages.tools.freeze lima-135m

adds the systems and benchmarks of the run to data/studies/lima-135m, in place of what it already holds of them. Freeze
the main part first: contamination and the classifier's numbers on roles are kept of the first. Name the study among
`studies` in params.yaml, and `dvc repro study` makes its figures from these records alone.
"""

import gzip
import shutil
from pathlib import Path
from typing import Any

from stages.core import command_line, parameters
from stages.core.errors import InputError
from stages.records.files import read_json, read_jsonl, write_json
from stages.records.question import Question
from stages.records.results import Generation, ReferenceLikelihood, Scored
from stages.records.systems import Plan, System, read_plan
from stages.studies.frozen import STUDIES, write_compressed
from stages.tools.verify import logged_runs

DATA = Path("data")
OF_THE_FIRST = ("metrics/annotate.json", "metrics/contamination.json", "metrics/roles.json")
MADE_BY = {"stages.finetune", "stages.generate", "stages.likelihood"}


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("study", help="its name: a folder of data/studies, made where there is none")
    name = parser.parse_args().study
    if not parameters.NAME.fullmatch(name):
        raise InputError(f"study {name!r}: expected letters, digits, - and _, as in lima-135m")
    plan = read_plan()
    freeze(plan, STUDIES / name)
    print(f"{STUDIES / name}: {len(plan.systems)} systems on {len(plan.benchmarks)} sets")


def freeze(plan: Plan, study: Path) -> None:
    """Add the run in the current folder to ``study``."""
    scored = read_jsonl(DATA / "scored.jsonl", Scored)
    for benchmark in plan.benchmarks:
        asked = {item.id for item in scored if item.benchmark == benchmark}
        questions = read_jsonl(DATA / f"questions/{benchmark}.jsonl", Question)
        kept = [_without_text(each) for each in questions if each.id in asked]
        write_compressed(study / f"data/questions/{benchmark}.jsonl.gz", kept)
    for system in plan.systems:
        _freeze_system(system, plan.benchmarks, study)
    _merge_scored(scored, study / "data/scored.jsonl.gz")
    for path in OF_THE_FIRST:
        if Path(path).is_file() and not (study / path).is_file():
            _copy(path, study)
    _copy("params.yaml", study)
    _merge_plan(plan, study / "data/plan.json")
    _merge_provenance(plan, study / "study.json")


def _copy(path: str, study: Path) -> None:
    (study / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, study / path)


def _freeze_system(system: System, benchmarks: list[str], study: Path) -> None:
    for benchmark in benchmarks:
        found = read_jsonl(DATA / f"generations/{system.name}/{benchmark}.jsonl", Generation)
        kept = [_without_prompts(each, code=benchmark == "humaneval") for each in found]
        write_compressed(study / f"data/generations/{system.name}/{benchmark}.jsonl.gz", kept)
    if system.condition is None:
        likelihoods = read_jsonl(DATA / f"likelihoods/{system.name}.jsonl", ReferenceLikelihood)
        write_compressed(study / f"data/likelihoods/{system.name}.jsonl.gz", likelihoods)
        if system.arm is not None:
            _copy(f"metrics/finetune/{system.name}.json", study)
            _copy(f"plots/loss/{system.name}.csv", study)


def _without_text(question: Question) -> Question:
    """Its id, its group, how many choices it has, and which of them is right."""
    choices, answer = [""] * len(question.choices), question.answer if question.choices else ""
    cut = {"question": "", "choices": choices, "answer": answer, "aliases": [], "worked": None, "task": None}
    return question.model_copy(update=cut)


def _without_prompts(generation: Generation, *, code: bool) -> Generation:
    """What the model wrote; not the prompts, nor programs, which begin with HumanEval's own text."""
    cut: dict[str, Any] = {"prompt": None, "output": None if code else generation.output}
    for name in ("letter", "cloze"):
        reading = getattr(generation, name)
        cut[name] = None if reading is None else reading.model_copy(update={"prompt": ""})
    return generation.model_copy(update=cut)


def _merge_scored(scored: list[Scored], path: Path) -> None:
    made = {(item.system, item.benchmark) for item in scored}
    lines = gzip.decompress(path.read_bytes()).splitlines() if path.is_file() else []
    old = (Scored.model_validate_json(line) for line in lines)
    kept = [item for item in old if (item.system, item.benchmark) not in made]
    write_compressed(path, [*kept, *(_without_target(item) for item in scored)])


def _without_target(item: Scored) -> Scored:
    """Right answers that are texts, and programs, are left out; labels and yes or no stay."""
    if item.reading == "exact_match":
        return item.model_copy(update={"target": ""})
    if item.reading == "pass@1":
        return item.model_copy(update={"target": "", "written": None if item.written is None else ""})
    return item


def _merge_plan(plan: Plan, path: Path) -> None:
    old = read_plan(path) if path.is_file() else plan
    systems = sorted({*old.systems, *plan.systems}, key=_place)
    benchmarks = list(dict.fromkeys([*old.benchmarks, *plan.benchmarks]))
    write_json(path, plan.model_copy(update={"systems": systems, "benchmarks": benchmarks}).model_dump())


def _place(system: System) -> tuple[str, str, str, int]:
    """``base`` first, then arms by name, each as trained before its conditions."""
    return system.model, system.arm or "", system.condition or "", system.seed or 0


def _merge_provenance(plan: Plan, path: Path) -> None:
    """Which runs the study is made of: what each asked for, by which code and on what the stages ran a model."""
    asked = parameters.read(parameters.PATH)
    made_by: list[dict[str, Any]] = []
    for record in logged_runs(Path()):
        facts = {key: record[key] for key in ("commit", "cpu", "gpus", "python", "libraries")}
        if MADE_BY & set(record["command"]) and record["outcome"] == "ok" and facts not in made_by:
            made_by.append(facts)
    part = {
        "run": asked["run"],
        "scale": asked["scales"][plan.scale],
        "models": {name: asked["models"][name] for name in asked["run"]["models"]},
        "seed": asked["seed"],
        "made_by": made_by,
    }
    others = [each for each in read_json(path)["parts"] if each["run"] != part["run"]] if path.is_file() else []
    write_json(path, {"parts": [*others, part]})


if __name__ == "__main__":
    command_line.run(main)
