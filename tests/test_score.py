import json
import os
import subprocess
import sys

import pytest

from stages import mmlu_domains, score
from stages.core.errors import InputError
from stages.records.files import read_jsonl, write_jsonl
from stages.records.results import Generation, Scored
from stages.records.systems import System
from stages.scoring.domains import SUBJECTS
from tests.scoring import synthetic

BENCHMARKS = ["mmlu", "strategyqa", "hotpotqa", "gsm8k", "humaneval", "open_ended"]
SIZES = {"mmlu": 57, "strategyqa": 40, "hotpotqa": 30, "gsm8k": 30, "humaneval": 20, "open_ended": 4}


DOMAINS = {"first": sorted(SUBJECTS)[:30], "second": sorted(SUBJECTS)[30:]}

PARAMETERS = {
    "seed": 17,
    "statistics": {"margin": 0.03},
    "scales": {"mini": {"generate": {"primary": "cloze"}}},
    "mmlu_domains": DOMAINS,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with parameters, in which the stage is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["score"])
    (tmp_path / "params.yaml").write_text(json.dumps(PARAMETERS))
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A whole run, scored once for the tests that only read it."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["score"])
        (folder / "params.yaml").write_text(json.dumps(PARAMETERS))
        run(folder)
    return folder


def write(folder, systems=None, benchmarks=BENCHMARKS, **options):
    systems = synthetic.systems() if systems is None else systems
    synthetic.write_run(folder, synthetic.plan(systems, benchmarks), SIZES, **options)


def run(folder, systems=None, benchmarks=BENCHMARKS, **options):
    write(folder, systems, benchmarks, **options)
    score.main()
    return metrics_of(folder)


def metrics_of(folder, name="benchmarks"):
    return json.loads((folder / f"metrics/{name}.json").read_text())


def written(folder):
    names = ["data/scored.jsonl", "metrics/benchmarks.json", "metrics/comparison.json", "plots/benchmarks.csv"]
    return {name: (folder / name).read_bytes() for name in names}


def test_every_variant_has_every_benchmark_with_its_reading(finished):
    metrics = metrics_of(finished)["tiny"]
    assert list(metrics) == ["base", "standard", "role", "role.stripped", "shuffled"]
    readings = {
        "mmlu": "cloze",
        "strategyqa": "cloze",
        "hotpotqa": "exact_match",
        "gsm8k": "written",
        "humaneval": "pass@1",
    }
    for variant, benchmarks in metrics.items():
        assert {name: entry["reading"] for name, entry in benchmarks.items()} == readings
        for name, entry in benchmarks.items():
            assert entry["ci_low"] <= entry["score"] <= entry["ci_high"]
            assert entry["n"] == SIZES[name]
            assert entry["seeds"] == 1
            assert entry["seed_sd"] is None
            assert entry["role_rate"] == (1.0 if variant in {"role", "shuffled"} else 0.0)
        assert {"score_cloze", "score_letter", "score_written"} <= benchmarks["mmlu"].keys()
        assert sum(benchmarks["mmlu"]["picks"].values()) == pytest.approx(1, abs=1e-5)
        assert benchmarks["mmlu"]["majority"] == pytest.approx(15 / 57, abs=1e-6)
        assert not {"score_cloze", "picks", "majority"} & benchmarks["gsm8k"].keys()
        assert "macro" in benchmarks["mmlu"]
        assert benchmarks["hotpotqa"]["f1_ci_low"] <= benchmarks["hotpotqa"]["f1"]
        assert "f1" not in benchmarks["mmlu"]


def test_scores_are_the_shares_of_right_items(finished):
    metrics = metrics_of(finished)["tiny"]
    items = read_jsonl(finished / "data/scored.jsonl", Scored)
    assert len(items) == 5 * sum(size for name, size in SIZES.items() if name != "open_ended")
    right = [item.score for item in items if (item.variant, item.benchmark) == ("role", "gsm8k")]
    assert metrics["role"]["gsm8k"]["score"] == pytest.approx(sum(right) / len(right), abs=1e-6)


def test_over_seeds_the_score_is_the_mean_and_its_spread_is_given(folder):
    metrics = run(folder, synthetic.systems((1, 2, 3)), ["gsm8k", "mmlu"])["tiny"]
    assert metrics["role"]["gsm8k"]["seeds"] == 3
    assert metrics["role"]["gsm8k"]["n"] == 30
    assert metrics["role"]["gsm8k"]["seed_sd"] > 0
    assert metrics["base"]["gsm8k"]["seed_sd"] is None


def test_two_runs_give_the_same_bytes(folder, finished):
    run(folder)
    assert written(folder) == written(finished)


def test_what_the_plan_does_not_name_is_not_scored(folder):
    write(folder)
    metrics = run(folder, [System(model="tiny", arm="role", seed=1)], ["gsm8k"])
    assert metrics == {"tiny": {"role": {"gsm8k": metrics["tiny"]["role"]["gsm8k"]}}}
    assert metrics_of(folder, "comparison") == {"tiny": {}}


def test_programs_that_were_not_run_give_null_with_the_reason(folder):
    metrics = run(folder, benchmarks=["gsm8k", "humaneval"], passed=None)["tiny"]
    entry = metrics["role"]["humaneval"]
    assert entry["score"] is entry["ci_low"] is None
    assert "score_written" not in entry
    assert entry["reason"] == "no sandbox on this machine"
    assert metrics["role"]["gsm8k"]["score"] is not None
    comparison = metrics_of(folder, "comparison")["tiny"]["role - standard"]
    assert comparison["humaneval"]["delta"] is comparison["humaneval"]["p_holm"] is None
    assert comparison["humaneval"]["reason"] == "no sandbox on this machine"
    assert comparison["gsm8k"]["p_holm"] is not None


def test_the_table_has_a_row_for_each_variant_and_benchmark(finished):
    lines = (finished / "plots/benchmarks.csv").read_text().splitlines()
    assert lines[0] == "model,variant,benchmark,reading,score,ci_low,ci_high,n,seeds,seed_sd"
    assert len(lines) == 1 + 5 * 5


def test_fewer_answers_than_questions_are_scored_as_they_are(folder):
    write(folder)
    path = folder / "data/generations/tiny-role-1/gsm8k.jsonl"
    write_jsonl(path, read_jsonl(path, Generation)[:7])
    score.main()
    assert metrics_of(folder)["tiny"]["role"]["gsm8k"]["n"] == 7
    assert metrics_of(folder, "comparison")["tiny"]["role - standard"]["gsm8k"]["n"] == 7


def test_an_answer_without_a_question_is_named(folder):
    write(folder)
    path = folder / "data/generations/tiny-role-1/gsm8k.jsonl"
    generations = read_jsonl(path, Generation)
    write_jsonl(path, [*generations, generations[0].model_copy(update={"id": "gsm8k-999"})])
    with pytest.raises(InputError, match=r"tiny-role-1/gsm8k\.jsonl: id 'gsm8k-999'"):
        score.main()


def test_an_answer_that_stands_twice_is_refused(folder):
    write(folder)
    path = folder / "data/generations/tiny-role-1/gsm8k.jsonl"
    write_jsonl(path, [*read_jsonl(path, Generation)] * 2)
    with pytest.raises(InputError, match="twice"):
        score.main()


def test_a_program_that_execution_left_out_is_named(folder):
    write(folder)
    write_jsonl(folder / "data/executions/tiny-role-1.jsonl", [])
    with pytest.raises(InputError, match=r"executions/tiny-role-1\.jsonl: id 'humaneval-0'"):
        score.main()


def test_without_likelihoods_in_one_system_all_are_scored_as_written(folder):
    """As where one of two servers gives none: a model's systems are read in one way."""
    write(folder, benchmarks=["mmlu"])
    path = folder / "data/generations/tiny-role-1/mmlu.jsonl"
    write_jsonl(path, [item.model_copy(update={"cloze": None}) for item in read_jsonl(path, Generation)])
    score.main()
    assert {entry["mmlu"]["reading"] for entry in metrics_of(folder)["tiny"].values()} == {"written"}


def test_an_item_with_no_reading_at_all_is_named(folder):
    write(folder, benchmarks=["mmlu"])
    path = folder / "data/generations/tiny-role-1/mmlu.jsonl"
    none = {"cloze": None, "output": None}
    write_jsonl(path, [item.model_copy(update=none) for item in read_jsonl(path, Generation)])
    with pytest.raises(InputError, match=r"tiny-role-1/mmlu\.jsonl, id 'mmlu-0': has neither the reading 'cloze'"):
        score.main()


def test_the_likelihood_of_reference_answers_is_compared(finished):
    metrics = metrics_of(finished, "likelihood")["tiny"]
    assert list(metrics["role"]["conditions"]) == ["own", "recorded", "other", "generic", "none"]
    assert list(metrics["standard"]["conditions"]) == ["recorded", "other", "generic", "none"]
    own = metrics["role"]["differences"]["own - none"]
    assert own["delta"] == pytest.approx(-0.1, abs=0.02)
    assert own["ci_low"] < own["delta"] < own["ci_high"] < 0
    assert own["p"] <= own["p_holm"] < 0.01
    assert (own["n"], own["test"]) == (40, "permutation")
    assert list(metrics["between"]) == [
        "role own - standard none",
        "role none - standard none",
        "role recorded - standard recorded",
    ]


@pytest.mark.parametrize("name", ["mmlu:3", "mmlu:mmlu-3", "mmlu-3"])
def test_show_prints_one_item_across_variants(finished, monkeypatch, capsys, name):
    monkeypatch.chdir(finished)
    monkeypatch.setattr(sys, "argv", ["score", "--show", name])
    score.main()
    shown = capsys.readouterr().out
    for part in ("Question 3?", "D. four", "right answer: D", "tiny-base", "tiny-role-1", synthetic.ROLE, "strict"):
        assert part in shown
    assert shown.count("cloze: ") == 5


def test_show_names_what_there_is(finished, monkeypatch):
    monkeypatch.chdir(finished)
    monkeypatch.setattr(sys, "argv", ["score", "--show", "mmlu:none"])
    with pytest.raises(InputError, match=r"mmlu:none.*mmlu:mmlu-0"):
        score.main()


def test_no_warnings_and_no_heavy_library(folder):
    write(folder, benchmarks=["mmlu", "hotpotqa"])
    code = (
        "import sys; from stages import score, mmlu_domains; score.main(); mmlu_domains.main(); "
        "assert not {'torch', 'transformers', 'datasets', 'sklearn'} & set(sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environment)


def test_mmlu_by_domain_from_the_scored_items(folder):
    run(folder, benchmarks=["mmlu"])
    mmlu_domains.main()
    metrics = metrics_of(folder, "mmlu_domains")
    assert list(metrics["tiny"]) == ["first", "second"]
    assert (folder / "plots/mmlu_domains.csv").read_text().startswith("model,domain,variant,score,ci_low,ci_high,n\n")
    assert (folder / "plots/mmlu_domains.png").read_bytes()[:4] == b"\x89PNG"


def test_mmlu_by_domain_without_mmlu_is_empty_and_says_so(folder):
    run(folder, benchmarks=["gsm8k"])
    mmlu_domains.main()
    assert metrics_of(folder, "mmlu_domains") == {}
    assert (folder / "plots/mmlu_domains.png").is_file()
