"""What one has computed and pushed, another pulls and need not compute; a model is fetched by its version alone."""

from pathlib import Path

import pytest

from tests.temporary_clone import git, run

pytestmark = pytest.mark.sharing


@pytest.fixture
def other(published, tmp_path) -> Path:
    """A clone by someone who has nothing but the address of the repository."""
    git(tmp_path, "clone", "--quiet", str(published), "other")
    return tmp_path / "other"


def test_a_clone_without_data_is_up_to_date(other, place):
    assert "up to date" in run(other, "dvc", "repro", "--allow-missing", "--dry", **place.variables)
    assert not (other / "data/models").exists()


def test_another_clone_pulls_all_and_runs_nothing(other, finished, place):
    print(run(other, "dvc", "pull", **place.variables))
    assert contents(other / "data") == contents(finished / "data")
    assert "up to date" in run(other, "dvc", "status", **place.variables)
    said = run(other, "dvc", "repro", **place.variables)
    assert "up to date" in said
    assert "Running stage" not in said
    assert not git(other, "status", "--porcelain")


def test_a_model_is_fetched_by_its_version(published, finished, place, tmp_path):
    said = run(tmp_path, "dvc", "artifacts", "get", str(published), "role", "--rev", "v0.1.0", **place.variables)
    assert "Downloaded" in said
    assert contents(tmp_path / "tiny-role-1") == contents(finished / "data/models/tiny-role-1")


def contents(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found, f"{folder} is empty"
    return found
