"""The page: all its parts, put into the template."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.reporting import browser, cautions, figures, names, provenance, rows, table, table_files, verdict
from stages.reporting.inputs import Inputs
from stages.reporting.table import Table

TEMPLATES = Path(__file__).parent / "templates"


def tables(inputs: Inputs) -> list[Table]:
    """All tables that have rows."""
    return table.build(inputs, vars(rows))


def render(inputs: Inputs, made: list[Table]) -> str:
    """One page that needs nothing else: styles, script and pictures are inside it."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(context(inputs, made)).rstrip() + "\n"


def policy(style: str, script: str) -> str:
    """The page's content security policy: nothing from elsewhere, and only this style and script, by their hashes."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return f"default-src 'none'; img-src data:; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"


def notes_said_once(inputs: Inputs, made: list[Table]) -> dict[str, list[str]]:
    """Each table's notes without those that stand above it on the page."""
    said = set(table.of_questions(inputs))  # the first caution
    found = {}
    for each in made:
        found[each.name] = [note for note in each.notes if note not in said]
        said.update(each.notes)
    return found


def context(inputs: Inputs, made: list[Table]) -> dict[str, Any]:
    asked = browser.payload(inputs)
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "browser.js"))
    return {
        "style": Markup(style),
        "script": Markup(script),
        "policy": Markup(policy(style, script)),
        "plan": inputs.plan,
        "models": inputs.models,
        "names": names,
        "verdicts": verdict.verdicts(inputs),
        "run_line": verdict.run_line(inputs),
        "findings": verdict.findings(inputs),
        "cautions": cautions.cautions(inputs),
        "foremost": cautions.FOREMOST,
        "examples": browser.examples(asked["items"]),
        "manual": "standard.manual" in asked["variants"],
        "pieces": browser.pieces,
        "remarks": browser.remarks,
        "tables": {table.name: table for table in made},
        "notes": notes_said_once(inputs, made),
        "html": table_files.html,
        "pictures": {
            "main": figures.main(inputs),
            "likelihood": figures.likelihood(inputs),
            "domains": figures.domains(inputs),
            "wordclouds": figures.wordclouds(inputs),
            "preference": figures.preference(inputs),
            "losses": figures.losses(inputs),
        },
        "clouds_caption": figures.wordclouds_caption(inputs),
        "items": browser.as_script(asked),
        "most_items": browser.MOST,
        "origins": provenance.origins(inputs),
        "choices": provenance.choices(inputs),
        "scale": provenance.flattened(inputs.preset("scales", inputs.plan.scale)),
        "hashes": provenance.hashes(inputs),
        "versions": provenance.versions(),
    }
