"""Figures, tables and paper of a frozen study.

Questions that one arm got right and the other wrong (Figure 1) are named by id alone, since a study holds no texts.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from stages.core import parameters
from stages.figures import dots, style, wordclouds
from stages.records.files import read_json, write_text
from stages.records.results import Scored
from stages.reporting import cautions, figures, inputs, names, page, table_files, verdict
from stages.reporting.inputs import Inputs
from stages.reporting.table import Table
from stages.roles.written import written_roles
from stages.studies.frozen import STUDIES, unpacked

SHOWN = ("standard", "standard.manual", "role")
EACH_WAY = 3
METRICS, PLOTS = Path("metrics/studies"), Path("plots/studies")
PAPER = "paper.md.jinja"
TODAYS = ("seed", "statistics")


def disagreements(read: Inputs) -> list[dict[str, Any]]:
    """MMLU's first questions that only ``role`` got right, then the first that only ``standard`` got right.

    A row has ``id``, ``group``, ``key``, the ``role`` prompt, and each variant's pick and whether it is right, all for
    the first training seed.
    """
    seed = min(item.seed for item in read.scored.values() if item.seed is not None)
    items = [each for each in read.scored.values() if (each.benchmark, each.seed) == ("mmlu", seed)]
    shown: dict[str, dict[str, Scored]] = {variant: {} for variant in SHOWN}
    for item in items:
        if item.variant in shown and item.score is not None:
            shown[item.variant][item.id] = item
    role, standard = shown["role"], shown["standard"]
    rows = []
    for better, worse in ((role, standard), (standard, role)):
        found = [each for each in better if each in worse and better[each].score == 1 and worse[each].score == 0]
        for each in found[:EACH_WAY]:
            asked = {variant: answers[each] for variant, answers in shown.items() if each in answers}
            picks = {variant: (getattr(item, item.reading), item.score == 1) for variant, item in asked.items()}
            of = {"group": role[each].group, "key": role[each].target, "role": role[each].role}
            rows.append({"id": each, **of, "picks": picks})
    return rows


def make(name: str, page_file: Path) -> None:
    """Draw and write all of a study: below ``plots/studies/<name>``, and its paper into ``page_file``.

    Raises:
        InputError: There is no such study, or a file of it is damaged.
    """
    out = PLOTS / name
    with unpacked(name) as run:
        shutil.copytree(METRICS / name, run / "metrics", dirs_exist_ok=True)
        todays(run / "params.yaml")
        read = inputs.load(run)
        tables = page.tables(read)
        captions = draw(read)
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        for made in sorted((run / "plots").glob("*.[ps][nv]g")):
            shutil.copyfile(made, out / made.name)
        for each in tables:
            table_files.write(each, out / "tables")
        write_text(page_file, paper(name, read, tables, captions))


def todays(path: Path) -> None:
    """Replace the run's parameters for statistics and figures by those of today."""
    found = parameters.read(path.rename(path.with_name("as_run.yaml")))
    found |= {key: parameters.load(key, Any) for key in TODAYS}
    path.write_text(json.dumps(found), encoding="utf-8")  # JSON is YAML


def draw(read: Inputs) -> dict[str, str]:
    """Draw all figures below the run's ``plots``; figure → its caption."""
    plots = read.root / "plots"
    style.save(dots.domains(read.metrics["mmlu_domains"]), plots / "mmlu_domains")
    written = written_roles(read.scored.values(), read.domain_of).get(read.models[0], [])
    wordclouds.draw_roles(written, read.parameters["mmlu_domains"], plots / "wordclouds.png", plots / "wordclouds")
    made = {"main": figures.main(read), "likelihood": figures.likelihood(read), "domains": figures.domains(read),
            "losses": figures.losses(read)}  # fmt: skip
    return {name: picture.caption for name, picture in made.items() if picture is not None}


def paper(name: str, read: Inputs, tables: list[Table], captions: dict[str, str]) -> str:
    """The study's text with its numbers filled in; a number that the metrics lack is an error."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((STUDIES / name / PAPER).read_text(encoding="utf-8"))
    text = template.render(
        names=names,
        metrics=read.metrics,
        finetune=read.finetune,
        plan=read.plan,
        model=read.models[0],
        verdicts=verdict.verdicts(read),
        run_line=verdict.run_line(read),
        cautions=cautions.cautions(read),
        captions=captions,
        tables={each.name: table_files.markdown(each) for each in tables},
        provenance=read_json(read.root / "study.json"),
        disagreements=disagreements(read),
        plots=f"../{PLOTS / name}",
    )
    return text.rstrip() + "\n"
