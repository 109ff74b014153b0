"""A finished run to share, and the places that it is shared through: a folder, and a server that speaks S3."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.import_graph import ROOT
from tests.temporary_clone import commit, git, run, small_clone

COMMANDS = ROOT / ".cache/test-sharing/bin"
"""DVC with dvc-s3, and moto; `make test-sharing` installs them."""
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass
class Place:
    """A remote: its address, what DVC must be told of it, and the variables of those who use it."""

    url: str
    options: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A run of the tiny model."""
    folder = small_clone(tmp_path_factory.mktemp("finished") / "repository", benchmarks=["mmlu"])
    run(folder, "dvc", "repro")
    return folder


@pytest.fixture(scope="session")
def published(finished, place, tmp_path_factory) -> Path:
    """The repository as others find it, without a cache: the data are in the remote."""
    source = Path(shutil.copytree(finished, tmp_path_factory.mktemp("source") / "repository", symlinks=True))
    run(source, "dvc", "remote", "add", "--default", "storage", place.url)
    for name, value in place.options.items():
        run(source, "dvc", "remote", "modify", "storage", name, value)
    print(run(source, "dvc", "push", **place.variables))
    commit(source)
    git(source, "tag", "--annotate", "role@v0.1.0", "--message", "the role arm, 0.1.0")
    folder = source.parent / "published.git"
    git(source, "clone", "--quiet", "--bare", str(source), str(folder))
    return folder


@pytest.fixture(scope="session", params=["folder", "s3"])
def place(request, tmp_path_factory) -> Place:
    if request.param == "folder":
        return Place(str(tmp_path_factory.mktemp("remote")))
    variables = KEYS | {"PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}"}
    return Place("s3://bucket/self-prompt-tuning", {"endpointurl": request.getfixturevalue("s3")}, variables)


@pytest.fixture(scope="session")
def s3(tmp_path_factory) -> Iterator[str]:
    """The address of an S3 server in a process of its own, with one bucket in it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("s3") / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen([COMMANDS / "moto_server", "--port", str(port)], stdout=out, stderr=out)
        try:
            make_bucket(f"http://127.0.0.1:{port}/bucket", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def make_bucket(url: str, log: Path, patience: float = 60.0) -> None:
    """Create it as soon as the server answers."""
    until = time.monotonic() + patience
    while True:
        try:
            return urlopen(Request(url, method="PUT")).close()
        except URLError as error:
            assert time.monotonic() < until, f"{error}\n{log.read_text()}"
            time.sleep(0.2)
