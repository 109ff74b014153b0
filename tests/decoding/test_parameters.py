"""How a benchmark is asked: the scale's defaults with its exceptions."""

import pytest
import yaml

from stages.core.errors import InputError
from stages.core.parameters import validate
from stages.decoding.parameters import Asking, Generate, load_asking

DEFAULTS = {"limit": None, "written": 10, "max_new_tokens": 256, "role_tokens": 80, "shots": 0}


@pytest.fixture
def scale(tmp_path, monkeypatch):
    """A function that writes params.yaml with a scale's section ``generate``."""
    monkeypatch.chdir(tmp_path)

    def write(benchmark=None, **defaults):
        generate = {"readings": ["cloze"], "defaults": DEFAULTS | defaults, "benchmarks": {"mmlu": benchmark or {}}}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump({"scales": {"mini": {"generate": generate}}}))

    return write


def test_a_benchmark_without_exceptions_is_asked_by_the_defaults(scale):
    scale()
    assert load_asking("mini", "mmlu") == Asking(**DEFAULTS)


def test_an_exception_replaces_one_default_and_may_take_it_back_to_all(scale):
    scale({"limit": 570, "written": None})
    assert load_asking("mini", "mmlu") == Asking(**DEFAULTS | {"limit": 570, "written": None})


@pytest.mark.parametrize(
    ("benchmark", "defaults", "told"),
    [
        ({"limit": 0}, {}, r"scales\.mini\.generate\.benchmarks\.mmlu\.limit: .*greater than or equal to 1, found 0"),
        ({"limits": 5}, {}, r"scales\.mini\.generate\.benchmarks\.mmlu\.limits: .*the keys here are: limit, "),
        ({}, {"shots": -1}, r"scales\.mini\.generate\.defaults\.shots: "),
        ({}, {"shot": 1}, r"scales\.mini\.generate\.defaults\.shot: .*the keys here are: limit, "),
        (
            {"max_new_tokens": 56},
            {},
            r"benchmarks\.mmlu: role_tokens: 80 exceeds max_new_tokens, 56: .*Lower",
        ),
    ],
)
def test_a_wrong_value_is_told_with_the_section_that_it_stands_in(scale, benchmark, defaults, told):
    scale(benchmark, **defaults)
    with pytest.raises(InputError, match=told):
        load_asking("mini", "mmlu")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"primary": "written"}, r"generate: primary: written is none of readings, cloze, letter: add it there"),
        ({"readings": ["cloze", "cloze"]}, r"generate: readings: an entry stands twice"),
        ({"readings": ["clozed"]}, r"generate\.readings\.0: .*'cloze', 'letter' or 'written'"),
        ({"benchmarks": {"mmlu": {"limits": 3}}}, r"generate\.benchmarks\.mmlu\.limits: .*the keys here are: limit"),
        ({"benchmarks": {"mmlu": {"max_new_tokens": 9}}}, r"generate\.benchmarks\.mmlu: role_tokens: 80 exceeds"),
        ({"benchmarks": {"mmlu": None}}, r"generate\.benchmarks\.mmlu: .*found None"),
        ({"defaults": {"limit": 0}}, r"^[^;]*generate\.defaults\.limit: [^;]*found 0$"),
    ],
)
def test_the_whole_section_is_checked_at_once(tmp_path, changes, told):
    section = {
        "decoding": {"dtype": "float32", "batch_tokens": 256},
        "readings": ["cloze", "letter"],
        "primary": "cloze",
        "defaults": DEFAULTS,
        "benchmarks": {"mmlu": {"limit": 3}},
    }
    found = validate(section, Generate, "generate", tmp_path)
    assert found.benchmarks == {"mmlu": Asking(**DEFAULTS | {"limit": 3})}
    with pytest.raises(InputError, match=told):
        validate(section | changes, Generate, "generate", tmp_path)
