import json

import pyarrow as pa
import pytest
from pyarrow.parquet import write_table

from stages.data_checks.mirror import check_overlap, mirror_texts
from tests.data_checks.samples import lines, messages, mmlu, talk

TAKEN = "the quick brown fox jumps over the lazy dog near the river"


@pytest.fixture
def mirror(tmp_path):
    nested = {"question": ["What is it?"], "context": [{"sentences": [[f"They said that {TAKEN}, twice."]]}]}
    folder = tmp_path / "hotpotqa" / "hotpot"
    folder.mkdir(parents=True)
    write_table(pa.Table.from_pydict(nested), folder / "validation.parquet")
    lima = tmp_path / "GAIR" / "lima"
    lima.mkdir(parents=True)
    (lima / "train.jsonl").write_text(json.dumps({"conversations": ["Why is the sky blue?", "It scatters."]}) + "\n")
    return tmp_path


def test_parquet_and_json_lines_are_read_to_the_bottom(mirror):
    assert [text for _, text in mirror_texts(mirror)] == [
        "Why is the sky blue?",
        "It scatters.",
        "What is it?",
        f"They said that {TAKEN}, twice.",
    ]


def test_eight_words_in_a_row_are_found_with_line_and_source(mirror):
    rows = [mmlu(), talk("Hm?", "Quick, brown: fox jumps over the lazy dog near."), talk("Hm?", "Something else.")]
    assert messages(check_overlap(lines(rows), mirror)) == [
        "set.jsonl, line 2: 'brown fox jumps over the lazy dog near' stands in hotpotqa/hotpot/validation.parquet too"
    ]


def test_seven_words_are_none(mirror):
    assert list(check_overlap(lines([talk("Hm?", "A brown fox jumps over the lazy dog.")]), mirror)) == []
