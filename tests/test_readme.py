"""What the README says of the study and of the default run is what the committed metrics give."""

import json

import pytest

from stages.core import parameters
from stages.figures.style import SIGNIFICANT
from stages.reporting.names import nats
from stages.reporting.verdict import on_benchmarks, on_likelihood
from tests.import_graph import ROOT


@pytest.mark.parametrize("metrics", ["metrics", "metrics/studies/lima-135m"])
def test_the_verdict_in_the_readme_is_that_of_the_metrics(metrics):
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    content = parameters.read(ROOT / "params.yaml")
    (model,) = content["run"]["models"]
    comparison = json.loads((ROOT / metrics / "comparison.json").read_text())[model]["role - standard"]
    likelihood = json.loads((ROOT / metrics / "likelihood.json").read_text())[model]["between"]
    assert on_benchmarks(comparison, content["statistics"]["margin"]) in readme
    assert on_likelihood(likelihood) in readme


@pytest.mark.parametrize(
    ("arm", "pair"), [("role", "own - other"), ("role", "own - generic"), ("constant", "own - other")]
)
def test_what_the_readme_says_of_the_right_role_is_what_the_study_found(arm, pair):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    metrics = json.loads((ROOT / "metrics/studies/lima-135m/likelihood.json").read_text())
    (model,) = metrics
    entry = metrics[model][arm]["differences"][pair]
    assert f"{nats(entry['delta'])} ({nats(entry['ci_low'])} to {nats(entry['ci_high'])})" in " ".join(readme.split())


def test_what_the_readme_says_of_the_second_model_is_what_its_study_found():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    metrics = ROOT / "metrics/studies/lima-270m"
    (between,) = (found["between"] for found in json.loads((metrics / "likelihood.json").read_text()).values())
    (pairs,) = json.loads((metrics / "comparison.json").read_text()).values()
    assert {entry["verdict"] for entry in pairs["role - standard"].values()} <= {"undecided", "equivalent"}
    entry = between["role own - standard none"]
    assert entry["p_holm"] < SIGNIFICANT
    interval = f"{nats(entry['delta'])} ({nats(entry['ci_low'])} to {nats(entry['ci_high'])})"
    assert f"the loss is higher by {interval} nats a token" in readme


def test_the_size_of_the_study_in_the_readme_is_what_was_run():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    study = ROOT / "data/studies/lima-135m"
    trained = json.loads((study / "metrics/finetune/smollm2-135m-role-1.json").read_text())
    comparison = json.loads((ROOT / "metrics/studies/lima-135m/comparison.json").read_text())
    asked = [entry["n"] for entry in comparison["smollm2-135m"]["role - standard"].values()]
    assert len(asked) == 5
    assert f"{trained['items']} items of LIMA, {sum(asked):,} questions of five real benchmarks" in readme
