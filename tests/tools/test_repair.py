"""What a kill leaves of a lock is cut back to its whole entries, and a whole lock stays as it is."""

import random
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils.serialize import parse_yaml

from stages.core.errors import InputError
from stages.tools import repair
from tests.import_graph import ROOT

LOCK = (ROOT / "dvc.lock").read_text()


@pytest.mark.parametrize("length", [0, 3, 10, 60, *(random.Random(3).randrange(100, 60_000) for _ in range(8))])
def test_a_lock_cut_off_anywhere_is_read_by_dvc_again(tmp_path, length):
    lock = tmp_path / "dvc.lock"
    whole = LOCK[:60_000] + "\n"
    lock.write_text(whole[:length])
    repair.repair_lock(lock)
    if lock.is_file():
        assert whole.startswith(lock.read_text().removesuffix("\n"))
        assert COMPILED_LOCKFILE_SCHEMA(parse_yaml(lock.read_text(), lock))["stages"]


def test_whole_entries_before_the_cut_are_kept():
    text = "schema: '2.0'\nstages:\n  one:\n    cmd: a\n  two:\n    cmd: b\n    deps:\n    - pa"
    assert repair.whole_entries(text) == "schema: '2.0'\nstages:\n  one:\n    cmd: a\n"


def test_a_whole_lock_is_left_as_it_is(tmp_path):
    lock = tmp_path / "dvc.lock"
    lock.write_text(LOCK)
    repair.repair_lock(lock)
    assert lock.read_text() == LOCK


def test_a_merge_is_for_people_to_settle(tmp_path):
    lock = tmp_path / "dvc.lock"
    lock.write_text("<<<<<<< ours\nschema: '2.0'\n=======\n>>>>>>> theirs\n")
    with pytest.raises(InputError, match="both sides of a merge"):
        repair.repair_lock(lock)


def test_what_dvc_did_not_finish_copying_is_removed_and_nothing_else(tmp_path, monkeypatch):
    Repo.init(str(tmp_path), no_scm=True).close()
    monkeypatch.chdir(tmp_path)
    whole, unfinished = (
        Path(".dvc/cache/files/md5/fa/0123"),
        Path(".dvc/cache/files/md5/fa/.eJ9kRdAt8M1B8M1OAB-lCw.tmp"),
    )
    whole.parent.mkdir(parents=True)
    for path in (whole, unfinished):
        path.write_text("x")
    with Repo() as repo, repo.lock:
        repair.remove_unfinished(repair.CACHE)
        assert unfinished.exists()
    repair.remove_unfinished(repair.CACHE)
    assert whole.exists()
    assert not unfinished.exists()
