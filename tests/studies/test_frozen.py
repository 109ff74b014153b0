"""Frozen studies: the same records give the same bytes, and what is damaged is named."""

import pytest

from stages.core.errors import InputError
from stages.records.results import ReferenceLikelihood
from stages.studies.frozen import unpacked, write_compressed

RECORDS = [
    ReferenceLikelihood(id=f"lima-{number}", tokens=4, own_role="From now on, you are a cook.", nats={"none": 3.5})
    for number in range(3)
]


@pytest.fixture
def studies(tmp_path):
    study = tmp_path / "tried"
    (study / "data/likelihoods").mkdir(parents=True)
    (study / "data/plan.json").write_text("{}")
    write_compressed(study / "data/likelihoods/a.jsonl.gz", RECORDS)
    return tmp_path


def test_what_was_compressed_is_what_comes_out(studies):
    with unpacked("tried", studies) as run:
        lines = (run / "data/likelihoods/a.jsonl").read_text().splitlines()
        assert [ReferenceLikelihood.model_validate_json(line) for line in lines] == RECORDS
        assert (run / "data/plan.json").read_text() == "{}"
    assert not run.exists()


def test_equal_records_are_equal_bytes(studies, tmp_path):
    write_compressed(tmp_path / "again.jsonl.gz", RECORDS)
    first = (studies / "tried/data/likelihoods/a.jsonl.gz").read_bytes()
    assert (tmp_path / "again.jsonl.gz").read_bytes() == first


def test_a_study_that_is_not_there_is_named(studies):
    with pytest.raises(InputError, match=r"other: holds no study: make one with `python -m stages.tools.freeze other`"):
        unpacked("other", studies).__enter__()


@pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda whole: b"no gzip"])
def test_a_damaged_file_is_named(studies, damage):
    path = studies / "tried/data/likelihoods/a.jsonl.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"a\.jsonl\.gz: cannot be read"):
        unpacked("tried", studies).__enter__()
