"""On logs in the two programs' own formats, as lm-evaluation-harness 0.4.13 and Inspect 0.3.285 write them."""

import hashlib
import json
import sys
from zipfile import ZIP_STORED, ZipFile

import pytest
import zstandard

from stages.core.errors import InputError
from stages.statistics.paired import mcnemar_exact
from stages.tools import compare
from stages.tools.sample_logs import read

TIME = "2026-11-28T02-51-25.634857"


def harness(folder, values, task="arithmetic", time=TIME, filters=("none",), metric="acc", first=0):
    """A log with one line for each document and filter; ``values`` are right (1) or wrong (0)."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in filters:
        for number, value in enumerate(values, start=first):
            document = {"question": f"{number} + 1?", "choices": [str(number), str(number + 1)], "answer": 1}
            digest = hashlib.sha256(json.dumps(document, indent=2).encode()).hexdigest()
            lines.append({
                "doc_id": number, "doc": document, "target": "1",
                "arguments": {"gen_args_0": {"arg_0": document["question"], "arg_1": " 1"}},
                "resps": [[["-0.1", "False"]]], "filtered_resps": [["-0.1", "False"]], "filter": name,
                "metrics": [metric, "acc_norm", "perplexity"], "doc_hash": digest, "prompt_hash": "p",
                "target_hash": "t", metric: value, "acc_norm": 1.0, "perplexity": [-1.5, 3],
            })  # fmt: skip
    path = folder / f"samples_{task}_{time}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def inspect(path, scores, *, compressed=True, target=str):
    """An archive with ``scores`` by sample and epoch: sample → values; None for a sample that failed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files = {"_journal/start.json": {}, "header.json": {"version": 2, "status": "success", "eval": {"task": "adding"}}}
    for sample, values in scores.items():
        for epoch, value in enumerate(values, start=1):
            of_scorers = {} if value is None else {"match": {"value": value, "answer": "x", "history": []}}
            files[f"samples/{sample}_epoch_{epoch}.json"] = {
                "id": sample, "epoch": epoch, "input": [{"id": "random", "role": "user", "content": "?"}],
                "target": target(sample), "messages": [], "scores": of_scorers, "events": [],
            }  # fmt: skip
    with ZipFile(path, "w", ZIP_STORED) as archive:
        for name, content in files.items():
            text = json.dumps(content).encode()
            archive.writestr(name, zstandard.compress(text) if compressed else text)
    if compressed:  # say so in both headers of each file, which Python's zipfile cannot write itself
        raw = path.read_bytes()
        for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            parts = raw.split(mark)
            raw = mark.join([parts[0], *(part[: place - 4] + b"\x5d\0" + part[place - 2 :] for part in parts[1:])])
        path.write_bytes(raw)
    return path


def compared(first, second, metric=None, *, pool=False):
    return compare.compare(read(first), read(second), metric, 0.03, 17, pool=pool)


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["compare", *map(str, arguments)])
    compare.main()
    return capsys.readouterr().out


def test_two_runs_of_the_harness(tmp_path, monkeypatch, capsys):
    first = harness(tmp_path / "a", [1.0] * 30 + [0.0] * 10)
    second = harness(tmp_path / "b", [1.0] * 18 + [0.0] * 22)
    found = json.loads(run(monkeypatch, capsys, first, second, "--json"))["tasks"]["arithmetic"]
    assert (found["metric"], found["A"], found["B"], found["delta"], found["n"]) == ("acc", 0.75, 0.45, 0.3, 40)
    assert found["p"] == pytest.approx(mcnemar_exact(12, 0), abs=1e-6)
    assert found["ci_low"] < 0.3 < found["ci_high"]
    assert (found["test"], found["verdict"], found["left_out"]) == ("mcnemar_exact", "higher", 0)
    shown = run(monkeypatch, capsys, tmp_path / "a", tmp_path / "b")
    assert all(part in shown for part in ("arithmetic", " 0.3000", "higher", "mcnemar_exact"))


def test_tasks_are_corrected_together_and_the_newest_log_of_each_counts(tmp_path):
    for folder, right in (("a", 30), ("b", 24)):
        harness(tmp_path / folder, [0.0] * 40, time="2026-11-27T02-51-25.634857")
        harness(tmp_path / folder, [1.0] * right + [0.0] * (40 - right))
        harness(tmp_path / folder, [1.0] * 20 + [0.0] * 20, task="other_task")
    found = compared(tmp_path / "a", tmp_path / "b")
    assert list(found) == ["arithmetic", "other_task"]
    assert found["arithmetic"]["A"] == 0.75
    assert found["arithmetic"]["p"] == pytest.approx(mcnemar_exact(6, 0), abs=1e-6)
    assert found["arithmetic"]["p_holm"] == pytest.approx(2 * found["arithmetic"]["p"], abs=2e-6)
    assert found["arithmetic"]["verdict"] == "undecided"
    assert (found["other_task"]["delta"], found["other_task"]["p"]) == (0, 1)


def test_samples_are_matched_by_their_hash_whatever_their_order(tmp_path):
    first, second = (harness(tmp_path / name, [1.0] * 12 + [0.0] * 28) for name in "ab")
    second.write_text("".join(reversed(second.read_text().splitlines(keepends=True))))
    found = compared(first, second)["arithmetic"]
    assert (found["delta"], found["p"]) == (0, 1)


def test_a_metric_and_a_filter_can_be_named(tmp_path):
    first, second = (
        harness(tmp_path / name, [float(name == "a")] * 20, metric="exact_match", filters=("strict", "flexible"))
        for name in "ab"
    )
    assert compared(first, second)["arithmetic"]["metric"] == "exact_match (strict)"
    assert compared(first, second, "exact_match (flexible)")["arithmetic"]["delta"] == 1
    assert compared(first, second, "acc_norm (strict)")["arithmetic"]["delta"] == 0
    with pytest.raises(InputError, match=r"the metric 'perplexity' in both logs: .*exact_match \(strict\)"):
        compared(first, second, "perplexity")


def test_values_that_are_not_right_or_wrong_are_compared_by_their_means(tmp_path):
    first = harness(tmp_path / "a", [0.5 + 0.01 * n for n in range(20)], metric="f1")
    second = harness(tmp_path / "b", [0.3 + 0.01 * n for n in range(20)], metric="f1")
    found = compared(first, second)["arithmetic"]
    assert (found["test"], found["delta"], found["verdict"]) == ("permutation", 0.2, "higher")
    unbounded = compared(*(harness(tmp_path / name, [40.0 + n for n in range(20)], metric="bleu") for name in "cd"))
    assert unbounded["arithmetic"]["verdict"] == "undecided"  # a margin of 0.03 says nothing on this scale


def test_tasks_can_be_pooled_as_groups(tmp_path):
    for number in range(12):
        harness(tmp_path / "a", [1.0] * 8 + [0.0] * 2, task=f"mmlu_{number}", first=10 * number)
        harness(tmp_path / "b", [1.0] * 5 + [0.0] * 5, task=f"mmlu_{number}", first=10 * number)
    found = compared(tmp_path / "a", tmp_path / "b", pool=True)
    assert list(found) == ["all tasks"]
    assert (found["all tasks"]["n"], found["all tasks"]["test"]) == (120, "permutation_by_group")
    assert found["all tasks"]["p"] == pytest.approx(2 / 2**12, abs=1e-6)


def test_runs_on_other_samples_are_refused(tmp_path):
    first, second = harness(tmp_path / "a", [1.0] * 20), harness(tmp_path / "b", [1.0] * 30, first=5)
    with pytest.raises(InputError, match="samples differ: 5 of 20 are in A alone, 15 of 30 in B alone"):
        compared(first, second)


def test_runs_of_other_tasks_are_refused(tmp_path):
    with pytest.raises(InputError, match="A has the tasks arithmetic; B has other"):
        compared(harness(tmp_path / "a", [1.0]), harness(tmp_path / "b", [1.0], task="other"))


@pytest.mark.parametrize("compressed", [True, False])
def test_two_runs_of_inspect(tmp_path, compressed):
    first = inspect(tmp_path / "a.eval", {f"q{n}": ["C"] for n in range(20)}, compressed=compressed)
    second = inspect(tmp_path / "b.eval", {f"q{n}": ["C" if n < 10 else "I"] for n in range(20)}, compressed=compressed)
    found = compared(first, second)["adding"]
    assert (found["metric"], found["A"], found["B"], found["n"]) == ("match", 1, 0.5, 20)
    assert found["p"] == pytest.approx(mcnemar_exact(10, 0), abs=1e-6)


def test_epochs_are_averaged_and_failed_samples_left_out(tmp_path):
    first = inspect(tmp_path / "a.eval", {1: ["C", "I"], 2: ["C", "C"], 3: ["P"], 4: [None]})
    second = inspect(tmp_path / "b.eval", {1: ["I", "I"], 2: ["C", "I"], 3: ["N"], 4: ["C"]})
    found = compared(first, second)["adding"]
    assert (found["A"], found["B"], found["n"], found["left_out"]) == (
        pytest.approx(2 / 3, abs=1e-6),
        pytest.approx(1 / 6, abs=1e-6),
        3,
        1,
    )


def test_the_parts_of_a_score_are_metrics(tmp_path):
    first, second = (
        inspect(tmp_path / f"{name}.eval", {n: [{"fluent": 1, "right": float(name == "a")}] for n in range(9)})
        for name in "ab"
    )
    assert compared(first, second, "match/right")["adding"]["delta"] == 1


def test_samples_of_one_id_and_other_targets_are_not_the_same(tmp_path):
    first = inspect(tmp_path / "a.eval", {1: ["C"], 2: ["C"]})
    second = inspect(tmp_path / "b.eval", {1: ["C"], 2: ["C"]}, target=lambda sample: "other")
    with pytest.raises(InputError, match="samples differ: 2 of 2"):
        compared(first, second)


def test_what_is_no_log_is_refused_with_what_was_expected(tmp_path):
    (tmp_path / "run.csv").write_text("x")
    (tmp_path / "empty").mkdir()
    for name in ("absent", "run.csv", "empty"):
        with pytest.raises(InputError, match=rf"{name}: is or holds no sample log: expected samples_<task>"):
            read(tmp_path / name)
    (tmp_path / "torn.eval").write_text("x")
    with pytest.raises(InputError, match="expected a zip archive"):
        read(tmp_path / "torn.eval")
    with ZipFile(tmp_path / "begun.eval", "w") as archive:
        archive.writestr("_journal/start.json", "{}")
    with pytest.raises(InputError, match=r"has no header\.json"):
        read(tmp_path / "begun.eval")
    torn = harness(tmp_path / "torn", [1.0, 0.0])
    torn.write_text(torn.read_text().replace('"metrics"', '"measures"'))
    with pytest.raises(InputError, match="line 1: metrics: Field required"):
        read(torn)


def test_a_folder_of_two_models_is_refused(tmp_path):
    for name in "ab":
        harness(tmp_path / name, [1.0])
    with pytest.raises(InputError, match="several runs or models: name one of"):
        read(tmp_path)
