"""What `dvc plots` draws: its templates of .dvc/plots against the files that stages write."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from stages.reporting import inputs
from stages.scoring import domains, summary

ROOT = Path(__file__).parents[1]
COLUMNS = {
    "plots/benchmarks.csv": summary.COLUMNS,
    "plots/mmlu_domains.csv": domains.COLUMNS,
    "plots/losses.csv": inputs.LOSS_COLUMNS,
}


def drawn() -> list[tuple[str, dict[str, str]]]:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    plots = [plot for stage in stages for plot in stage.get("plots", []) if isinstance(plot, dict)]
    return [(path, told) for plot in plots for path, told in plot.items() if "template" in told]


def fields(value) -> set[str]:
    """Every field that a template shows; what it computes itself is none of the file's."""
    if isinstance(value, list):
        return set().union(*map(fields, value))
    if not isinstance(value, dict):
        return set()
    here = {value["field"]} if isinstance(value.get("field"), str) else set()
    return here.union(*map(fields, value.values()))


def computed(value) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(computed, value))
    if not isinstance(value, dict):
        return set()
    here = {value["as"]} if isinstance(value.get("as"), str) else set()
    return here.union(*map(computed, value.values()))


@pytest.mark.parametrize(("path", "told"), drawn(), ids=[path for path, _ in drawn()])
def test_a_template_asks_for_columns_that_its_file_has(path, told):
    template = json.loads((ROOT / f".dvc/plots/{told['template']}.json").read_text())
    axes = {"<DVC_METRIC_X>": told["x"], "<DVC_METRIC_Y>": told["y"]}
    asked = {axes.get(field, field) for field in fields(template)} - computed(template) - {"rev"}
    assert asked
    assert asked <= set(COLUMNS.get(path) or header(path))


def header(path: str) -> list[str]:
    """The columns of a file of the committed run, one of those that a stage with a matrix writes."""
    found = sorted(ROOT.glob(path.split("${", maxsplit=1)[0] + ("*.csv" if "${" in path else "")))
    with found[0].open(newline="") as file:
        return next(csv.reader(file))


def test_the_page_of_plots_has_a_place_for_scripts_and_plots():
    page = (ROOT / ".dvc/plots/page.html").read_text()
    assert "{scripts}" in page
    assert "{plot_divs}" in page
