"""What several tests share: a tiny model in a folder, made once; and threads that do not stand in each other's way."""

import os
import signal
from pathlib import Path

import pytest

from stages.records import numerics

# Before torch is imported: tests run side by side, and their models are too small for a second thread.
numerics.wait_passively()
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts work in the background with Ctrl-C ignored, and so would all that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The pipeline's tests begin, since they take longest and two processes deal out whole files."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Llama of two layers, a tokenizer of bytes and the plain chat template."""
    return tiny_model("llama", tmp_path_factory.mktemp("models") / "llama")


def tiny_model(architecture: str, folder: Path) -> Path:
    from stages.base_models.loading import random_model
    from stages.base_models.preset import RandomModel
    from stages.chat.templates import chat_template

    preset = RandomModel(source="random", architecture=architecture, dtype="float32", origin="", license="MIT")
    model, tokenizer = random_model(preset, seed=5)
    tokenizer.chat_template = chat_template("plain", None, "tiny")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
