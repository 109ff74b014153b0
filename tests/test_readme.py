"""What the README says of the default run is what the committed metrics give."""

import json

from stages.core import parameters
from stages.reporting.verdict import on_benchmarks, on_likelihood
from tests.import_graph import ROOT


def test_the_verdict_in_the_readme_is_that_of_the_metrics():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    content = parameters.read(ROOT / "params.yaml")
    (model,) = content["run"]["models"]
    comparison = json.loads((ROOT / "metrics/comparison.json").read_text())[model]["role - standard"]
    likelihood = json.loads((ROOT / "metrics/likelihood.json").read_text())[model]["between"]
    assert on_benchmarks(comparison, content["statistics"]["margin"]) in readme
    assert on_likelihood(likelihood) in readme
