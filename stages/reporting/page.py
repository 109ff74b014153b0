"""The page: everything put into its template."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.reporting import (
    browser,
    cautions,
    examples,
    figures,
    findings,
    names,
    provenance,
    run_tables,
    table,
    verdict,
)
from stages.reporting import result_tables as results
from stages.reporting import role_tables as other
from stages.reporting.inputs import Inputs
from stages.reporting.table import Table

TEMPLATES = Path(__file__).parent / "templates"


def tables(inputs: Inputs) -> list[Table]:
    """All tables that have rows."""
    made = [
        results.main_table(inputs),
        results.difference_table(inputs),
        results.controls_table(inputs),
        results.readings_table(inputs),
        results.likelihood_table(inputs),
        results.domains_table(inputs),
        other.roles_table(inputs),
        other.belonging_table(inputs),
        run_tables.preference_table(inputs),
        run_tables.verdicts_table(inputs),
        other.training_table(inputs),
        run_tables.compute_table(inputs),
        run_tables.cost_table(inputs),
        other.contamination_table(inputs),
    ]
    return [table for table in made if table.rows]


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
    """The page's content policy: nothing from elsewhere, and only this style and this script, told by their hashes."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return f"default-src 'none'; img-src data:; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"


def context(inputs: Inputs, made: list[Table]) -> dict[str, Any]:
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
        "findings": findings.findings(inputs),
        "cautions": cautions.cautions(inputs),
        "foremost": cautions.FOREMOST,
        "examples": examples.examples(inputs),
        "rule": examples.RULE,
        "tables": {table.name: table for table in made},
        "html": table.html,
        "pictures": {
            "main": figures.main_results(inputs),
            "likelihood": figures.likelihoods(inputs),
            "domains": figures.domains(inputs),
            "wordclouds": figures.wordclouds(inputs),
            "preference": figures.preference(inputs),
            "losses": figures.losses(inputs),
        },
        "origins": provenance.origins(inputs),
        "choices": provenance.choices(inputs),
        "scale": provenance.scale(inputs),
        "hashes": provenance.hashes(inputs),
        "versions": provenance.versions(),
        "items": browser.as_script(browser.payload(inputs)),
        "most_items": browser.MOST,
    }
