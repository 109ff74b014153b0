"""LIMA-Role as published: it loads, its metadata validate, and the card's code runs as it stands."""

import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import mlcroissant
import pytest
from datasets import List, Value, load_dataset
from huggingface_hub import DatasetCard

from stages.core.errors import InputError
from stages.tools import role_set
from tests.import_graph import ROOT

FIELDS = {"key": Value("string"), "index": Value("int64"), "source": Value("string"), "role": Value("string")}
ITEMS = [["Why is the sky blue?", "Air scatters blue light most."], ["Name a caf\u00e9.\u2028Why?", "Bo."]]
"""In the place of LIMA's, of which nothing may stand here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return role_set.lay_out(ROOT, tmp_path_factory.mktemp("published"))


def test_both_configurations_load_with_the_features_and_licences_that_the_card_declares(folder, tmp_path):
    lima, bundled = (
        load_dataset(str(folder), name, split="train", cache_dir=str(tmp_path)) for name in ("lima", "bundled")
    )
    assert (lima.num_rows, bundled.num_rows) == (1030, 320)
    assert lima.features == FIELDS
    assert bundled.features == FIELDS | {"conversations": List(Value("string"))}
    assert lima.info.license.startswith("LIMA's own terms")
    assert bundled.info.license == "cc-by-4.0"
    assert load_dataset(str(folder), split="train", cache_dir=str(tmp_path)).num_rows == 1030  # unless one is named
    first = bundled[0]
    assert first["key"] == sha256(first["conversations"][0].encode()).hexdigest()


def test_the_card_has_what_the_hub_searches_by_and_no_link_out_of_the_folder(folder):
    card = DatasetCard.load(folder / "README.md")
    assert card.data.license == ["other", "cc-by-4.0"]
    assert card.data.license_link == "LICENSE.md"
    assert card.data.language == ["en"]
    assert card.data.size_categories == ["1K<n<10K"]
    assert "](../" not in card.text
    assert "Language models wrote every role prompt and every review." in card.text
    named = set(re.findall(r"`(\w[\w.]*\.(?:jsonl|json|md|cff))`", card.text))
    assert {path.name for path in folder.iterdir()} - {"README.md"} <= named
    assert (folder / "annotation_prompt.md").read_text() == (ROOT / "stages/annotation/instruction.md").read_text()


def test_the_croissant_metadata_validate_and_give_the_records(folder):
    dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    assert dataset.metadata.ctx.issues.errors == dataset.metadata.ctx.issues.warnings == set()
    for name in ("lima", "bundled"):
        lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().split("\n") if line]
        found = list(dataset.records(name))
        assert [record[f"{name}/role"].decode() for record in found] == [line["role"] for line in lines]
    assert [turn.decode() for turn in found[0]["bundled/conversations"]] == lines[0]["conversations"]
    assert sum(1 for _ in dataset.records("lima_reviews")) == 1030
    assert sum(1 for _ in dataset.records("bundled_reviews")) == 320


def test_croissant_has_the_responsible_ai_fields_in_the_versions_it_conforms_to(folder):
    metadata = json.loads((folder / "croissant.json").read_text())
    assert metadata["conformsTo"] == ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
    asked = "dataCollection dataAnnotationProtocol dataBiases dataLimitations dataUseCases personalSensitiveInformation"
    assert all(metadata[f"rai:{name}"] for name in asked.split())


def test_a_changed_file_no_longer_fits_the_croissant_metadata(folder, tmp_path):
    changed = shutil.copytree(folder, tmp_path / "changed")
    (changed / "lima.jsonl").write_text((changed / "lima.jsonl").read_text().replace("neuroscientist", "gardener"))
    with pytest.raises(Exception, match=r"Download\(lima\.jsonl\)"):
        next(iter(mlcroissant.Dataset(jsonld=changed / "croissant.json").records("lima")))


def snippets(folder: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)


def run_snippet(snippet: str, directory: Path, lima: Path) -> str:
    """Run it in a fresh Python, offline; in the Hub's cache is a GAIR/lima with this file."""
    cache, commit = directory / "home/hub/datasets--GAIR--lima", "0" * 40
    (cache / "snapshots" / commit).mkdir(parents=True, exist_ok=True)
    (cache / "refs").mkdir(exist_ok=True)
    (cache / "refs/main").write_text(commit)
    shutil.copy(lima, cache / "snapshots" / commit / "train.jsonl")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    environment = kept | {"HF_HOME": str(directory / "home"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", snippet]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_cards_code_runs_as_it_stands(folder, tmp_path):
    bundled, join = snippets(folder)
    target = shutil.copytree(folder, tmp_path / role_set.NAME)
    roles = [f"From now on, you are the person {place} who is asked." for place in range(len(ITEMS))]
    rows = [
        {"key": sha256(item[0].encode()).hexdigest(), "index": place, "source": "x", "role": roles[place]}
        for place, item in enumerate(ITEMS)
    ]
    (target / "lima.jsonl").write_text("".join(json.dumps(row) + "\n" for row in reversed(rows)))
    lima = tmp_path / "train.jsonl"
    lima.write_text("".join(json.dumps({"conversations": item, "source": "x"}) + "\n" for item in ITEMS))
    assert run_snippet(f"{join}\nprint(list(joined['role']))", tmp_path, lima) == f"{roles[0]}\n{roles}\n"
    first = json.loads((folder / "bundled.jsonl").read_text().split("\n", maxsplit=1)[0])
    assert run_snippet(bundled, tmp_path, lima) == f"{first['conversations'][0]}\n{first['role']}\n"


def test_the_card_of_an_upload_names_its_owners_repository(tmp_path):
    folder = role_set.lay_out(ROOT, tmp_path, "somebody")
    assert all('load_dataset("somebody/lima-role", ' in snippet for snippet in snippets(folder))
    metadata = json.loads((folder / "croissant.json").read_text())
    assert metadata["url"] == "https://huggingface.co/datasets/somebody/lima-role"


@pytest.fixture
def root(tmp_path) -> Path:
    for part in ("data/annotations", "data/bundled/GAIR"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


def test_a_missing_file_is_named(root):
    (root / "data/annotations/bundled.reviews.jsonl").unlink()
    with pytest.raises(InputError, match=r"bundled\.reviews\.jsonl does not exist: it is in Git"):
        role_set.lay_out(root, root / "out")


def test_a_role_prompt_of_another_conversation_is_an_error_and_nothing_is_replaced(root):
    folder = role_set.lay_out(root, root / "out")
    path = root / role_set.BUNDLED
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(InputError, match=r"bundled\.jsonl, line 1: key: expected the SHA-256 of the first turn"):
        role_set.lay_out(root, root / "out")
    path.write_text("".join(lines[:-1]))
    with pytest.raises(InputError, match="320 role prompts, expected 319"):
        role_set.lay_out(root, root / "out")
    assert (folder / "bundled.jsonl").is_file()
