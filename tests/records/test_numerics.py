"""What fixes the bytes of float results, and what leaves them alone."""

import os
import subprocess
import sys

import pytest
import torch

from stages.records import numerics
from tests.import_graph import ROOT


@pytest.fixture
def environment(monkeypatch):
    """The process's variables without any that these functions set; whatever they set goes again."""
    for name in (*numerics.AVX2, "OMP_WAIT_POLICY", "THP_MEM_ALLOC_ENABLE"):
        monkeypatch.setenv(name, "")  # so that it is restored after the test
        monkeypatch.delenv(name)
    return os.environ


@pytest.mark.parametrize(
    ("dtype", "machine", "held"),
    [
        ("float32", "x86_64", True),
        ("float32", "AMD64", True),
        ("bfloat16", "x86_64", False),
        ("float32", "arm64", False),
    ],
)
def test_float32_on_x86_is_held_to_one_instruction_set(environment, monkeypatch, dtype, machine, held):
    monkeypatch.setattr("platform.machine", lambda: machine)
    numerics.hold_to_avx2(dtype)
    assert {name: environment.get(name) for name in numerics.AVX2} == (
        numerics.AVX2 if held else dict.fromkeys(numerics.AVX2)
    )


def test_what_the_user_has_set_stays(environment, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    environment |= {"ATEN_CPU_CAPABILITY": "avx512", "OMP_WAIT_POLICY": "ACTIVE"}
    numerics.hold_to_avx2("float32")
    numerics.wait_passively()
    assert (environment["ATEN_CPU_CAPABILITY"], environment["OMP_WAIT_POLICY"]) == ("avx512", "ACTIVE")


def test_threads_wait_passively(environment):
    numerics.wait_passively()
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_threads_are_as_many_as_asked_for_and_operations_deterministic(environment):
    before = torch.get_num_threads()
    try:
        numerics.prepare("float32", 1)
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(before)


def test_training_waits_passively_before_torch_is_there():
    """Importing the stage must not import torch, or the call in its main would come too late.

    Training alone: with the small products of answering, threads meet so often that passive ones lose a sixth.
    """
    code = "import sys, stages.finetune; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    assert "numerics.wait_passively()" in (ROOT / "stages/finetune.py").read_text(encoding="utf-8")
