"""A training over two nodes ends with the bytes of one on a single node; `make test-nodes`.

Two network namespaces with a cable between them are the nodes, each with its own loopback and addresses; where making
them is not allowed, two addresses of this machine's loopback.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.training.test_checkpoints import finish, left
from tests.training.test_zero import PROGRAM

OPTIONS = ("3", "2", "3", "2", "0")
"""ZeRO stage, micro-batch, epochs, steps between checkpoints, no adapters."""


@dataclass(frozen=True)
class Node:
    """How a command is run on it, its address, and the interface that gloo is to use."""

    prefix: tuple[str, ...]
    address: str
    interface: str


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    names = [f"node{number}-{uuid.uuid4().hex[:6]}" for number in range(2)]
    cables = [name.replace("node", "cab") for name in names]
    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", cables[0], "type", "veth", "peer", "name", cables[1])
        for number, (name, cable) in enumerate(zip(names, cables, strict=True), start=1):
            ip("link", "set", cable, "netns", name)
            ip("-n", name, "address", "add", f"10.213.7.{number}/24", "dev", cable)
            ip("-n", name, "link", "set", cable, "up")
            ip("-n", name, "link", "set", "lo", "up")
        made = [
            Node(("ip", "netns", "exec", name), f"10.213.7.{number}", cable)
            for number, (name, cable) in enumerate(zip(names, cables, strict=True), start=1)
        ]
    except (OSError, subprocess.CalledProcessError):
        made = [Node((), f"127.0.0.{number}", "lo") for number in (2, 3)]
    print("nodes:", *made)
    yield made
    for name in names:
        with suppress(OSError, subprocess.CalledProcessError):
            ip("netns", "delete", name)


@pytest.mark.nodes
def test_two_nodes_end_with_the_bytes_of_one(tiny, tmp_path, nodes):
    finish(tiny, tmp_path / "one", *map(int, OPTIONS), processes=2)
    hosts = tmp_path / "hosts"
    hosts.write_text("first slots=1\nsecond slots=1\n")
    started = [start(node, number, nodes[0], hosts, tiny, tmp_path / "two") for number, node in enumerate(nodes)]
    try:
        for running in started:
            said, _ = running.communicate(timeout=600)
            assert running.returncode == 0, said[-3000:]
    finally:
        for running in started:
            running.kill()
    assert left(tmp_path / "two") == left(tmp_path / "one")


def start(node: Node, number: int, first: Node, hosts: Path, base: Path, out: Path) -> subprocess.Popen[str]:
    """DeepSpeed's launcher on one node, as docs/scale.md has it for nodes without ssh."""
    command = [*node.prefix, sys.executable, "-m", "deepspeed.launcher.runner", "--no_ssh", "--node_rank", str(number)]
    command += ["--master_addr", first.address, "--master_port", "29517", "--hostfile", str(hosts), "--no_local_rank"]
    command += [str(PROGRAM), str(base), str(out), *OPTIONS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": node.interface}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
