"""The bundled data beside the real sets, which the folder named by HUB_MIRROR holds: nothing of them may stand here.

Named so that pytest collects it only when asked for it by name, since the real sets are not in the repository.
"""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow.parquet import ParquetFile
from pydantic import BaseModel
from sklearn.feature_extraction.text import TfidfVectorizer

from stages.corpora.overlap import grams
from stages.corpora.preset import CorpusPreset
from stages.corpora.reading import read_corpus
from stages.corpora.roots import MIRROR_VARIABLE, Source
from tests.data import role_prompts
from tests.data.guessing import REAL_LEVELS, guessed
from tests.data.rare_stems import measured
from tests.data.rows import Line, TruthfulRow, read_lines
from tests.data.sets import SETS
from tests.data.test_annotations import ITEMS, prompts, recorded
from tests.data.test_card import CARD

Source("mirror")  # says in words if the folder is not named or not there
MIRROR = Path(os.environ[MIRROR_VARIABLE])
RUN, SAMPLES = 8, 100
RESTATED = 0.45
"""Cosine of TF-IDF vectors of words: five known restatements had 0.46 to 0.88, the nearest other question 0.44.

Restatements in other words (three of eight known ones) escape it: a new question is read beside the real ones too.
"""
TRUTHFULQA = "truthfulqa/truthful_qa/multiple_choice/validation.jsonl"


def ours() -> list[Line]:
    return [
        *(line for expected in SETS for line in read_lines(expected.path, expected.row, [])),
        *(line for name in ITEMS for line in recorded(name)),
    ]


def rows_of(file: Path) -> Iterator[Any]:
    if file.suffix == ".jsonl":
        yield from (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
        return
    for batch in ParquetFile(file).iter_batches():
        yield from batch.to_pylist()


def texts(value: Any) -> Iterator[str]:
    """The strings in a value, however deep."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


def real_split(file: str) -> list[Any]:
    """The rows of the split whose place a bundled file takes."""
    folder, split = MIRROR / Path(file).parent, Path(file).stem
    return [row for part in sorted(folder.rglob(f"{split}-*.parquet")) for row in rows_of(part)]


def test_no_run_of_eight_words_is_shared():
    holders: dict[tuple[str, ...], list[Line]] = {}
    for line in ours():
        for gram in set().union(*(grams(text, RUN) for text in texts(line.row))):
            holders.setdefault(gram, []).append(line)
    found: dict[str, None] = {}
    for file in sorted([*MIRROR.rglob("*.parquet"), *MIRROR.rglob("*.jsonl")]):
        for text in texts(list(rows_of(file))):
            for gram in grams(text, RUN) & holders.keys():
                for line in holders[gram]:
                    found[line.fault(f"{' '.join(gram)!r} stands in {file.relative_to(MIRROR)} too")] = None
    assert list(found) == []


def test_no_question_restates_one_of_truthfulqa():
    real = [row["question"] for row in real_split(TRUTHFULQA)]
    lines = list(read_lines(Path("data/bundled") / TRUTHFULQA, TruthfulRow, []))
    asked = [line.row.asked for line in lines]
    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True).fit([*real, *asked])
    cosines = (vectorizer.transform(asked) @ vectorizer.transform(real).T).toarray()
    near = [
        line.fault(f"restates {real[cosines[place].argmax()]!r}")
        for place, line in enumerate(lines)
        if cosines[place].max() >= RESTATED
    ]
    assert near == []


def test_roles_for_lima_belong_to_its_items():
    lines = recorded("lima")
    items = read_corpus("lima", CorpusPreset(repository="GAIR/lima", file="train.jsonl"), "mirror")
    assert list(role_prompts.check_keys(lines, items)) == []
    assert list(role_prompts.check_form(prompts(lines), role_prompts.WORDS, items)) == []
    assert list(role_prompts.check_fit(prompts(lines), items)) == []
    nearer, farther = role_prompts.nearer_and_farther([line.row.role for line in lines], items)
    assert f"By TF-IDF, {nearer} role prompts of `lima` are nearer to their own first turn" in CARD
    assert f"drawn at random and {farther} are farther; of `bundled`" in CARD


def test_shared_rare_words_of_lima_are_as_the_card_says():
    assert [row for row in measured("lima") if row not in CARD] == []


@pytest.mark.parametrize("file", REAL_LEVELS)
def test_levels_of_guessing_on_the_real_sets(file):
    expected = next(one for one in SETS if one.file == file)
    real = [choices_and_key(row) for row in real_split(file)]
    real = [(choices, key) for choices, key in real if all(choice.strip() for choice in choices)]
    shares = []
    for seed in range(SAMPLES):
        sample = random.Random(seed).sample(real, expected.fewest)
        shares.append(guessed([choices for choices, _ in sample], [key for _, key in sample]))
    measured = np.mean(shares), np.percentile(shares, 95)
    print(f"\n{file}: mean {measured[0]:.3f}, 95th percentile {measured[1]:.3f}")
    assert measured == pytest.approx(REAL_LEVELS[file], abs=0.005)


def choices_and_key(row: Any) -> tuple[list[str], int]:
    if "mc1_targets" in row:
        return row["mc1_targets"]["choices"], row["mc1_targets"]["labels"].index(1)
    if "answerKey" in row:
        return list(row["choices"]["text"]), list(row["choices"]["label"]).index(row["answerKey"])
    return row["choices"], row["answer"]
