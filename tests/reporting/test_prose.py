import json
import re

import pytest

from tests.reporting import example_run
from tests.reporting.conftest import run_stages
from tests.reporting.prose import NUMBER, Run, unknown


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """Two models, two seeds, and a role arm far ahead."""
    plan = example_run.plan(("small", "other"), (1, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(example_run.SHARES, "role", 0.97)
        folder = example_run.write(tmp_path_factory.mktemp("decided"), plan, sizes=example_run.SMALL)
    run_stages(folder)
    return folder


@pytest.fixture(scope="module", params=["finished", "decided"])
def run(request) -> Run:
    return Run(request.getfixturevalue(request.param))


def test_every_number_in_the_prose_stands_in_a_file(run):
    assert len([text for text in run.texts if re.search(NUMBER, text)]) > 20
    assert [(number, text) for text in run.texts for number in unknown(run, text)] == []


def test_a_number_of_no_file_is_told(run):
    assert unknown(run, "Role wins by 87.3 points, p = 0.0613, on 4,711 items.") == ["87.3", "0.0613", "4,711"]


def test_the_first_sentence_follows_from_the_verdicts(decided, finished):
    page = (decided / "plots/report.html").read_text()
    said = {
        entry["verdict"]
        for pairs in json.loads((decided / "metrics/comparison.json").read_text()).values()
        for entry in pairs["role - standard"].values()
    }
    assert "higher" in said
    assert "The role arm scored higher on" in page
    assert "The role arm scored higher on" not in (finished / "plots/report.html").read_text()
