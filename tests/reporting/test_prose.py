import json
import re
import shutil

import pytest

from tests.reporting import traces
from tests.reporting.prose import NUMBER, Run, unknown


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


@pytest.mark.parametrize("name", ["finished", "decided"])
def test_every_sentence_that_states_a_result_follows_from_a_metric(request, name):
    run = traces.Run(request.getfixturevalue(name))
    assert len(run.texts) > 20
    assert traces.untraced(run) == []


@pytest.fixture
def changed(finished, tmp_path):
    """A run whose metrics can be changed under a page that stays."""
    for part in ("metrics", "data", "plots"):
        shutil.copytree(finished / part, tmp_path / part)
    shutil.copy(finished / "params.yaml", tmp_path)

    def change(by, name, *keys):
        path = tmp_path / f"metrics/{name}.json"
        metrics = json.loads(path.read_text())
        inner = metrics
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = by(inner[keys[-1]])
        path.write_text(json.dumps(metrics))
        return traces.Run(tmp_path)

    return change


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        (lambda _: "higher", ("comparison", "small", "role - standard", "mmlu", "verdict")),
        (lambda _: 0.001, ("comparison", "small", "role - standard", "mmlu", "p_holm")),
        (lambda delta: -delta, ("comparison", "small", "role - standard", "gsm8k", "delta")),
        (lambda delta: -2 * delta, ("likelihood", "small", "between", "role own - standard none", "delta")),
        (lambda delta: 0.1 if delta <= 0 else -0.1, ("mmlu_domains", "small", "law", "role - standard", "delta")),
        (lambda _: 0.0, ("benchmarks", "small", "role", "humaneval", "role_rate")),
        (lambda share: share / 2, ("roles", "small", "belonging", "share")),
        (lambda nothing: not nothing, ("preference", "small", "role - standard", "strength", "measured_nothing")),
    ],
)
def test_a_sentence_that_a_metric_contradicts_is_told(changed, by, keys):
    with pytest.raises(AssertionError):
        traces.untraced(changed(by, *keys))


def test_a_sentence_that_follows_from_nothing_is_told(finished):
    run = traces.Run(finished)
    run.texts.append("Role is the better arm by far.")
    assert traces.untraced(run) == ["Role is the better arm by far."]
