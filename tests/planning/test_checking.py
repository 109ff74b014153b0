"""Every wrong parameter is an error that names its key, before any work."""

import sys
import types

import pytest
import yaml

from stages.core.errors import InputError
from stages.planning import checking
from stages.planning.checking import checked, missing_keys
from stages.planning.run_choice import plan
from tests.import_graph import ROOT


@pytest.fixture
def parameters(tmp_path, monkeypatch):
    """A function that writes params.yaml with some values changed, and checks it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_MIRROR", raising=False)
    content = yaml.safe_load((ROOT / "params.yaml").read_text())

    def check(**changes):
        for key, value in changes.items():
            node = content
            *path, last = key.split("__")
            for part in path:
                node = node[part]
            node[last] = value
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        return checked()

    return check


def test_the_committed_parameters_are_valid(parameters):
    assert [system.name for system in plan(parameters().run).systems] == [
        "smollm2-135m-standard-1",
        "smollm2-135m-role-1",
    ]


def test_systems_of_several_seeds_conditions_and_the_base(parameters):
    found = parameters(run__seeds=[1, 2], run__baselines=["base"], run__conditions={"role": ["random"], "standard": []})
    names = [system.name for system in plan(found.run).systems]
    assert names[:3] == ["smollm2-135m-base", "smollm2-135m-standard-1", "smollm2-135m-standard-2"]
    assert "smollm2-135m-role.random-2" in names


def test_the_plan_tells_what_answers(parameters):
    assert plan(parameters().run).server == "local"
    assert plan(parameters(run__server="openai").run).server == "openai"


def test_rivals_stand_apart_from_the_systems_that_are_scored(parameters):
    found = plan(parameters(run__models=["tiny"], run__official=["tiny"], run__rivals=["openai"]).run)
    assert [(rival.name, rival.variant) for rival in found.rivals] == [
        ("tiny-official", "official"),
        ("rival-openai", "openai"),
    ]
    assert [system.name for system in found.systems] == ["tiny-standard-1", "tiny-role-1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'ANSWER_KIND = "letter"\nTRIGGER = ""\nquestions = show = len\n',
            r"mine\.py: ANSWER_KIND: 'letter' is none of choice",
        ),
        ('\nANSWER_KIND = "choice"\nTRIGGER = ""\nquestions = len\n', r"mine\.py lacks show"),
    ],
)
def test_a_benchmark_of_ones_own_that_could_not_be_scored_is_an_error_now(parameters, monkeypatch, text, expected):
    module = types.ModuleType("stages.benchmarks.mine")
    exec(text, module.__dict__)
    monkeypatch.setitem(sys.modules, "stages.benchmarks.mine", module)
    monkeypatch.setattr(checking, "_benchmarks", lambda: {"mine"})
    with pytest.raises(InputError, match=expected):
        parameters(run__benchmarks=["mine"], scales__mini__generate__benchmarks__mine={"max_new_tokens": 80})


def test_keys_that_will_be_asked_for_are_named_before_any_work(parameters, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert list(missing_keys(parameters())) == []
    (told,) = missing_keys(parameters(run__judge="openai"))
    assert "judges.openai names the environment variable OPENAI_API_KEY, which is not set" in told
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert list(missing_keys(parameters())) == []


def test_a_number_written_as_a_string_is_read(parameters):
    assert parameters(scales__mini__finetune__learning_rate="1e-02").scales["mini"].finetune.learning_rate == 0.01


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"run__models": ["smollm"]}, r"run\.models: 'smollm' is none of .*smollm2-135m"),
        ({"run__benchmarks": ["mmlu", "arc"]}, r"run\.benchmarks: 'arc' is none of .*gsm8k"),
        ({"run__scale": "big"}, r"run\.scale: 'big' is none of mini"),
        ({"run__arms": ["roles"]}, r"run\.arms\.0: .*'standard', 'role'"),
        ({"run__conditions": {"role": ["silent"], "standard": []}}, r"conditions\.role: 'silent' is none of stripped"),
        ({"run__arms": ["standard"], "run__conditions": {"role": ["random"], "standard": []}}, "arms lacks role"),
        ({"run__data": "web"}, r"run\.data: .*'bundled', 'hub' or 'mirror'"),
        ({"run__data": "mirror"}, r"run\.data is mirror, .* HUB_MIRROR is not set"),
        ({"run__corpus": "lima"}, r"run\.corpus is lima, which is not bundled: it needs run\.data=hub"),
        (
            {"corpora__mine": {"path": "data/corpora/mine.jsonl"}, "run__corpus": "mine"},
            r"corpora\.mine\.path: data/corpora/mine\.jsonl does not exist",
        ),
        (
            {"corpora__mine": {"path": "mine.jsonl"}, "run__corpus": "mine"},
            r"corpora\.mine\.path: mine\.jsonl is not in data/corpora, the folder that DVC watches",
        ),
        ({"run__seeds": []}, r"run\.seeds: .*at least 1"),
        (
            {"scales__mini__finetune__learning_rte": 1},
            r"scales\.mini\.finetune\.learning_rte: Extra inputs.*\(the keys here are: .*learning_rate",
        ),
        ({"scales__mini__finetune__learning_rate": "fast"}, r"learning_rate: .*valid number.*'fast'"),
        ({"scales__mini__finetune__micro_batch_size": 3}, "no multiple of micro_batch_size 3"),
        ({"models__tiny__source": "wheels"}, r"models\.tiny\.source: .*'wheel', 'hub', 'folder', 'random'$"),
        ({"run__official": ["mistral-7b"]}, r"official: 'mistral-7b' is none of run\.models"),
        (
            {"run__official": ["smollm2-135m"]},
            r"run\.official: smollm2-135m is its own .* set run\.baselines to \[base\]",
        ),
        (
            {"run__models": ["gemma3-270m"], "run__official": ["gemma3-270m"]},
            r"models\.gemma3-270m\.official is not given: add it",
        ),
        (
            {
                "models__mine": {
                    "source": "random",
                    "chat_template": "plain",
                    "dtype": "float32",
                    "origin": "x",
                    "license": "MIT",
                },
                "run__models": ["mine"],
            },
            r"models\.mine\.finetune is not given: add it, as finetune: \{\}",
        ),
        ({"run__rivals": ["gpt"]}, r"run\.rivals: 'gpt' is none of openai"),
        ({"rivals__role": {"kind": "local"}}, r"rivals\.role.*'role' means something else among systems"),
        ({"models__mistral-7b__official__revision": None}, r"models\.mistral-7b\.official\.revision: "),
        (
            {"models__mistral-7b__official__official": {"source": "itself"}},
            r"official\.official: an official chat version has none of its own",
        ),
        (
            {
                "models__llama-3.1-8b": {
                    "source": "folder",
                    "path": "x",
                    "dtype": "float32",
                    "origin": "",
                    "license": "",
                }
            },
            r"models\.llama-3\.1-8b.*expected letters, digits, - and _",
        ),
        (
            {"run__conditions": {"role": ["random", "random"], "standard": []}},
            r"conditions\.role: an entry stands twice",
        ),
        ({"servers__openai__base_url": "http://127.0.0.1:{port}/v1"}, r"servers\.openai: base_url: .* command is null"),
        ({"run": {}}, r"run\.models: Field required"),
        ({"run__model": "tiny"}, r"run\.model: .*the keys here are: models, arms"),
        ({"mmlu_domains": {"all": ["anatomy"]}}, "in no domain"),
    ],
)
def test_a_wrong_value_is_named(parameters, changes, expected):
    with pytest.raises(InputError, match=expected):
        parameters(**changes)


def folder_model(path):
    words = {"origin": "one of ours", "finetune": {}, "license": "MIT"}
    return {"source": "folder", "path": str(path), "chat_template": "plain", "dtype": "float32", **words}


@pytest.mark.parametrize("place", ["data/model_folders/mine", "mine", "data/model_folders/linked"])
def test_a_model_whose_change_dvc_would_not_notice_is_warned_of(parameters, tmp_path, caplog, place):
    for name in ("data/model_folders/mine", "mine"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data/model_folders/linked").symlink_to(tmp_path / "mine")
    parameters(models__mine=folder_model(place), run__models=["mine"])
    warned = f"models.mine.path: {place} is not in data/model_folders" in caplog.text
    assert warned is (place != "data/model_folders/mine")
