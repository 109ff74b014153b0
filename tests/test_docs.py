"""What README, CONTRIBUTING and docs/ name exists: links, files, modules, options, and the pipeline that is drawn."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.import_graph import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
# The boxes of the README's diagram: the stages of dvc.yaml that each stands for.
BOXES = {
    "plan": {"plan"},
    "data": {"corpus", "base_model", "official_model"},
    "questions": {"questions", "questions_open_ended"},
    "annotate": {"annotate"},
    "split": {"split"},
    "finetune": {"finetune"},
    "generate": {
        "generate", "generate_base", "generate_standard", "generate_role", "generate_open_ended",
        "generate_open_ended_base", "generate_open_ended_official", "answer_rival",
    },
    "likelihood": {"likelihood", "likelihood_base"},
    "score": {"execute", "score"},
    "judge": {"judge", "preference"},
    "analysis": {"mmlu_domains", "wordclouds"},
    "checks": {"contamination", "costs"},
    "report": {"report"},
    "study": {"study_metrics", "study"},
}  # fmt: skip


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_to_files_and_headings_that_exist(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        found = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert found.exists(), target
        if heading:
            assert heading in {anchor(line) for line in re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)}


def anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", TEXTS)
def test_files_of_the_code_that_are_named_exist(page):
    for name in re.findall(r"`((?:stages|tests|docs|data/bundled|data/annotations|\.dvc)/[\w./-]*)`", TEXTS[page]):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", TEXTS)
def test_modules_that_are_run_exist(page):
    for name in re.findall(r"-m\s+((?:stages|tests)\.[a-z_.]+[a-z_])", TEXTS[page]):
        module = ROOT / name.replace(".", "/")
        assert module.with_suffix(".py").exists() or (module / "__init__.py").exists(), name


def commands() -> dict[str, set[str]]:
    """Module → the options that any page gives to it."""
    found: dict[str, set[str]] = {}
    for text in TEXTS.values():
        joined = text.replace("\\\n", " ")
        for name, rest in re.findall(r"(?:-m|--module)\s+(stages\.[a-z_.]+[a-z_])([^`|\n]*)", joined):
            found.setdefault(name, set()).update(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest.partition("#")[0]))
    return {name: options for name, options in found.items() if options}


@pytest.mark.parametrize(("module", "options"), commands().items())
def test_options_that_are_given_exist(module, options):
    told = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert options <= {*re.findall(r"--[a-z][a-z-]*", told.stdout)}, module


def test_targets_of_make_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text()
    for text in TEXTS.values():
        for target in re.findall(r"`make ([a-z-]+)", text):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_parameters_that_an_experiment_sets_exist():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for text in TEXTS.values():
        for key in re.findall(r"-S\s+'?([a-z][\w.-]*)=", text):
            here = params
            for part in key.split("."):
                assert part in here, key
                here = here[part]


def test_every_stage_stands_in_one_box_of_the_diagram():
    stages = list(pipeline())
    boxed = [stage for box in BOXES.values() for stage in box]
    assert len(boxed) == len(set(boxed))
    assert set(stages) <= set(boxed)
    drawn = re.findall(r"(\w+)\[", diagram())
    assert sorted(drawn) == sorted(BOXES)


def test_every_arrow_of_the_diagram_is_a_dependency_of_the_pipeline():
    box_of = {stage: box for box, stages in BOXES.items() for stage in stages}
    linked = {(box_of[one], box_of[other]) for one, other in edges() if box_of[one] != box_of[other]}
    drawn = set(re.findall(r"(\w+)(?:\[[^]]*\])? --> (\w+)", diagram()))
    assert drawn
    assert drawn <= linked, drawn - linked


def pipeline() -> dict[str, dict]:
    """Stages of dvc.yaml; those of a foreach without it."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    return {name: stage.get("do", stage) for name, stage in stages.items()}


def diagram() -> str:
    found = re.search(r"```mermaid\n(.*?)```", TEXTS["README.md"], re.DOTALL)
    assert found is not None
    return found.group(1)


def edges() -> set[tuple[str, str]]:
    """Pairs of stages of which the second depends on an out of the first; what a matrix fills in stands as a star."""
    stages = pipeline()
    written = {
        name: [plain(out) for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
        for name, stage in stages.items()
    }
    return {
        (one, other)
        for other, stage in stages.items()
        for one, outs in written.items()
        if one != other and any(overlap(out, plain(dep)) for out in outs for dep in stage.get("deps", []))
    }


def plain(path: str | dict[str, object]) -> str:
    name = path if isinstance(path, str) else next(iter(path))
    return re.sub(r"\$\{[^}]*\}", "*", name)


def overlap(out: str, dep: str) -> bool:
    """Whether the one is the other or lies in its folder."""
    one, other = out.split("/"), dep.split("/")
    return all(part == also or "*" in part + also for part, also in zip(one, other, strict=False))
