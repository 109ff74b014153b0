"""The hook that keeps weights and data out of Git."""

from tests.large_files import too_large


def test_a_file_above_the_limit_is_named_and_one_below_is_not(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"0" * 4096)
    (tmp_path / "small.txt").write_text("text")
    found = too_large([str(tmp_path / "weights.bin"), str(tmp_path / "small.txt"), "removed.txt"], limit_kb=2)
    assert found == [f"{tmp_path}/weights.bin: 4 kB, over 2: `dvc add` it"]
